"""Deploys over the real server: large ones arrive whole, and those without a key are refused before they do."""

import http.client
import json
import random
from collections.abc import Iterator
from typing import Any

import pytest

from apps.datastore.models import Blob
from tests.core_api.archiving import function, tar_gz
from tests.functions import dev_environment
from tests.served import Served, serving

pytestmark = pytest.mark.django_db(transaction=True)
MIB = 1024 * 1024


@pytest.fixture
def served() -> Iterator[Served]:
    dev_environment()
    with serving() as server:
        yield server


def post(client: http.client.HTTPConnection, body: bytes, path: str = "/v1/deploys") -> tuple[int, Any]:
    client.request("POST", path, body, {"Content-Type": "application/gzip"})
    response = client.getresponse()
    return response.status, json.loads(response.read())


def test_a_deploy_of_thirty_mebibytes_arrives_whole(served: Served) -> None:
    pieces = {f"{number}.bin": random.Random(number).randbytes(5 * MIB) for number in range(6)}
    with served.client() as client:
        status, answer = post(client, tar_gz(function(files=pieces)))
        assert status == 201, answer
        client.request("GET", "/v1/functions/welcome/versions/1/files/3.bin")
        assert client.getresponse().read() == pieces["3.bin"]
    assert Blob.objects.count() == 6


def test_more_than_a_deploy_may_be_is_refused(served: Served) -> None:
    for path, size in (("/v1/deploys", 33 * MIB), ("/v1/deploys/1/rollback", 5 * MIB)):
        with served.client() as client:
            try:
                status, answer = post(client, bytes(size), path)
            except (BrokenPipeError, ConnectionResetError):
                continue  # it closed while it was still being sent to
            assert (status, answer["status"]) == (413, 413)
