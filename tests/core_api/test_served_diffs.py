"""Diffs over the real server: however many are asked for at once, other requests are answered."""

import http.client
import threading
import time
from collections.abc import Iterator

import pytest
from rest_framework.test import APIClient

from tests.core_api.archiving import function
from tests.core_api.deploying import deploy
from tests.functions import dev_environment
from tests.served import Served, serving

pytestmark = pytest.mark.django_db(transaction=True)

AT_ONCE = 12
LINES = [f"{number}\n" for number in range(300)]
SWAPPED = [line for pair in zip(LINES[1::2], LINES[::2], strict=True) for line in pair]
"""What is compared longest."""


@pytest.fixture
def served() -> Iterator[Served]:
    dev_environment()
    with serving() as server:
        yield server


def status(client: http.client.HTTPConnection, path: str) -> int:
    client.request("GET", path)
    response = client.getresponse()
    response.read()
    return response.status


def test_other_requests_are_answered_while_diffs_are_made(served: Served) -> None:
    for lines in (LINES, SWAPPED):
        deploy(APIClient(), function(files={f"{number}.txt": "".join(lines) for number in range(100)}))
    answers: list[int] = []

    def ask() -> None:
        with served.client() as client:
            answers.append(status(client, "/v1/functions/welcome/diff"))

    asking = [threading.Thread(target=ask) for _ in range(AT_ONCE)]
    for one in asking:
        one.start()
    slowest = 0.0
    with served.client() as client:
        while any(one.is_alive() for one in asking):
            begun = time.monotonic()
            assert status(client, "/v1/runs") == 200
            slowest = max(slowest, time.monotonic() - begun)
    assert len(answers) == AT_ONCE
    assert set(answers) <= {200, 503}
    assert 200 in answers
    assert slowest < 5
