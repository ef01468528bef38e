"""In dev mode nobody is asked for a token, so the server answers only under names that were meant."""

import pytest
from pytest_django import Settings
from rest_framework.test import APIClient

from inngest_server.dev_hosts import allowed_in_dev

EVENTS = "/v1/events/none/runs"


@pytest.fixture(autouse=True)
def listening(settings: Settings) -> None:
    """On one address of this machine, with a name that a person gave."""
    settings.INNGEST_DEV = True
    settings.ALLOWED_HOSTS = allowed_in_dev("192.0.2.7", ["dev.example", "*"])


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:8288", "127.0.0.1:8288", "[::1]:8288", "192.0.2.7:8288", "dev.example"]
)
def test_names_that_were_meant_are_answered(client: APIClient, host: str) -> None:
    assert client.get(EVENTS, headers={"host": host}).status_code != 403


@pytest.mark.parametrize("host", ["evil.example", "192.0.2.8", "0.0.0.0:8288", "[::2]", "dev.example.evil.example", ""])
def test_any_other_name_is_refused_whatever_it_resolves_to(client: APIClient, host: str) -> None:
    answer = client.get(EVENTS, headers={"host": host})
    assert answer.status_code == 403
    assert "localhost, 127.0.0.1 and [::1]" in answer.json()["error"]
    assert "ALLOWED_HOSTS" in answer.json()["error"]


def test_pages_of_another_origin_are_refused_under_a_name_that_was_meant(client: APIClient) -> None:
    headers = {"host": "dev.example", "origin": "http://evil.example"}
    assert client.get(EVENTS, headers=headers).status_code == 403
    headers = {"host": "dev.example", "origin": "http://dev.example"}
    assert client.get(EVENTS, headers=headers).status_code != 403
