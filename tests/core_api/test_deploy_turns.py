"""Deploys that wait: only so many, only so long, and without a connection to the database, of which there are few."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction
from psycopg_pool import PoolTimeout
from pytest_django import Settings
from rest_framework.test import APIClient

from apps.core_api import deploy_views, run_views
from apps.core_api.deploy_bodies import read_contents
from apps.datastore.models import Function
from apps.event_stream.ids import new_ulid
from tests.core_api.archiving import function, tar_gz
from tests.functions import dev_environment


def send(client: APIClient, query: str = "", files: dict[str, str] | None = None) -> Any:
    return client.post(f"/v1/deploys{query}", tar_gz(function(files=files or {})), content_type="application/gzip")


def is_busy(answer: Any) -> bool:
    return (answer.status_code, answer.get("Retry-After"), answer.json()["status"]) == (503, "5", 503)


@contextmanager
def taken(places: threading.BoundedSemaphore, most: int) -> Iterator[None]:
    for _ in range(most):
        assert places.acquire(blocking=False)
    try:
        yield
    finally:
        for _ in range(most):
            places.release()


def test_when_enough_deploys_wait_the_next_is_refused_at_once(client: APIClient, settings: Settings) -> None:
    began = time.monotonic()
    with taken(deploy_views._free, settings.DEPLOYS_AT_ONCE), taken(deploy_views._waiting, settings.DEPLOYS_WAITING):
        assert is_busy(send(client))
    assert time.monotonic() - began < settings.DEPLOY_WAIT_SECONDS / 2
    assert send(client).status_code == 201


@pytest.mark.django_db(transaction=True)
def test_a_deploy_holds_no_connection_while_it_waits_and_is_unpacked(
    monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    dev_environment()
    connected: list[bool] = []

    def note_connection(content_type: str, body: bytes) -> Any:
        connected.append(connection.connection is not None)
        return read_contents(content_type, body)

    def note_wait() -> None:
        connected.append(connection.connection is not None)
        wait()

    wait = deploy_views._wait
    monkeypatch.setattr(deploy_views, "read_contents", note_connection)
    monkeypatch.setattr(deploy_views, "_wait", note_wait)
    settings.DEPLOY_WAIT_SECONDS = 0.05
    assert send(APIClient()).status_code == 201
    with taken(deploy_views._free, settings.DEPLOYS_AT_ONCE):
        assert is_busy(send(APIClient()))
    assert connected == [False, False]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("path", ["/v1/deploys", "/v1/functions/welcome/archive", "/v1/functions/welcome/rollback"])
def test_whoever_waits_for_others_locks_gives_up(settings: Settings, path: str) -> None:
    dev_environment()
    assert send(APIClient()).status_code == 201
    settings.DEPLOY_LOCK_SECONDS = 0.2
    locked, done = threading.Event(), threading.Event()

    def hold() -> None:
        try:
            with transaction.atomic():
                list(Function.objects.select_for_update())
                locked.set()
                done.wait(30)
        finally:
            connection.close()

    holder = threading.Thread(target=hold)
    holder.start()
    try:
        assert locked.wait(30)
        client = APIClient()
        if path == "/v1/deploys":
            answer = send(client, files={"x": "1"})
        else:
            answer = client.post(path, b"{}", content_type="application/json")
        assert is_busy(answer), answer.content
    finally:
        done.set()
        holder.join()
    assert send(APIClient(), files={"x": "1"}).status_code == 201


def test_without_a_connection_to_spare_the_answer_is_a_503(
    client: APIClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: Any) -> None:
        raise OperationalError("no connection") from PoolTimeout("no connection")

    monkeypatch.setattr(run_views, "load_runs", fail)
    assert is_busy(client.get(f"/v1/runs/{new_ulid()}"))
    assert "no connection to the database" in caplog.text


@pytest.mark.parametrize("note", ["a%0Ab", "a%1Bb", "a%7Fb"])
def test_a_note_has_no_control_characters(client: APIClient, note: str) -> None:
    answer = send(client, f"?note={note}")
    assert (answer.status_code, answer.json()["error"]) == (
        400,
        "`note` must not have control characters, such as line ends",
    )
