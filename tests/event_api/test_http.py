"""Methods, paths, browsers, probes."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import pytest
from celery import Celery
from django.test import override_settings
from django.utils import timezone

from apps.event_api import body, readiness
from apps.state.models import Pulse, Worker
from tests.event_api.calling import LOOPBACK, HeaderList, Response, call, running_api

pytestmark = pytest.mark.usefixtures("dev")

PAGE = (b"origin", b"https://shop.example")
EVENT = b'{"name":"a"}'


def ask(method: str, path: str, chunks: Sequence[bytes] = (b"",), headers: HeaderList = (LOOPBACK,)) -> Response:
    async def scenario() -> Response:
        async with running_api() as api:
            return await call(api, method, path, chunks, headers)

    return asyncio.run(scenario())


def test_a_browser_may_post_json_from_any_page() -> None:
    wanted = (b"access-control-request-headers", b"content-type,x-inngest-sdk")
    preflight = ask("OPTIONS", "/e/key", headers=[PAGE, (b"access-control-request-method", b"POST"), wanted])
    assert (preflight.status, preflight.body) == (204, b"")
    assert preflight.headers[b"access-control-allow-origin"] == b"*"
    assert preflight.headers[b"access-control-allow-headers"] == b"content-type,x-inngest-sdk"
    assert b"POST" in preflight.headers[b"access-control-allow-methods"]
    assert int(preflight.headers[b"access-control-max-age"]) > 0


@pytest.mark.parametrize("content_type", [b"text/plain;charset=UTF-8", b"application/json", b"", None])
def test_the_content_type_does_not_matter_as_with_send_beacon(content_type: bytes | None) -> None:
    headers = [PAGE] if content_type is None else [PAGE, (b"content-type", content_type)]
    response = ask("POST", "/e/key", [EVENT], headers)
    assert response.status == 200
    assert response.headers[b"access-control-allow-origin"] == b"*"


def test_a_page_can_read_why_it_was_refused() -> None:
    assert ask("POST", "/e/key", [b"{}"], [PAGE]).headers[b"access-control-allow-origin"] == b"*"


def test_a_body_may_come_in_pieces() -> None:
    assert ask("POST", "/e/key", [EVENT[:3], b"", EVENT[3:7], EVENT[7:]]).status == 200


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE"])
def test_other_methods_are_refused_with_the_allowed_ones(method: str) -> None:
    response = ask(method, "/e/key")
    assert response.status == 405
    assert response.headers[b"allow"] == b"POST, OPTIONS"
    assert method in response.error


@pytest.mark.parametrize(
    ("path", "status"), [("/e/key", 200), ("/e/key/", 200), ("/e/", 401), ("/e", 401), ("/e//", 401), ("/e/a/b", 404)]
)
def test_paths_are_read_leniently_but_a_key_is_needed(path: str, status: int) -> None:
    assert ask("POST", path, [EVENT]).status == status


def test_a_compressed_body_is_refused_by_name() -> None:
    response = ask("POST", "/e/key", [b"\x1f\x8b"], [(b"content-encoding", b"gzip")])
    assert response.status == 415
    assert "Content-Encoding" in response.error


def test_every_answer_says_what_kind_of_server_this_is() -> None:
    assert ask("GET", "/health").headers[b"x-inngest-server-kind"] == b"dev"
    with override_settings(INNGEST_DEV=False):
        assert ask("GET", "/health").headers[b"x-inngest-server-kind"] == b"cloud"


def test_health_is_that_the_process_answers() -> None:
    assert ask("GET", "/health").json == {"status": 200, "message": "OK"}
    assert ask("HEAD", "/health").status == 200
    assert ask("POST", "/health").status == 405


@pytest.mark.parametrize("path", ["/health", "/ready"])
def test_in_dev_mode_probes_answer_to_loopback_names_only(path: str) -> None:
    rebound = [(b"host", b"attacker.example:8288")]
    assert ask("GET", path, headers=rebound).status == 400
    with override_settings(INNGEST_DEV=False):
        assert ask("GET", path, headers=rebound).status in {200, 503}


def test_not_ready_says_of_each_part_what_is_missing() -> None:
    response = ask("GET", "/ready")
    assert response.status == 503
    checks = response.json["checks"]
    assert checks["database"] == checks["broker"] == {"ok": True, "message": "OK"}
    assert checks["workers"] == {"ok": False, "message": "no worker for events, steps, steps.cpu, chores"}
    assert "never been heard of" in checks["beat"]["message"]


def test_ready_is_when_all_queues_have_a_worker_and_beat_was_heard() -> None:
    now = timezone.now()
    for queues in ("chores,events", "steps,steps.cpu"):
        Worker.objects.create(name=queues, queues=queues, started_at=now, heartbeat_at=now)
    Pulse.objects.create(chore="wake_due", at=now)
    response = ask("GET", "/ready")
    assert response.status == 200, response.body
    Worker.objects.filter(queues="steps,steps.cpu").update(heartbeat_at=now - timedelta(minutes=5))
    assert ask("GET", "/ready").json["checks"]["workers"]["message"] == "no worker for steps, steps.cpu"


def test_not_ready_without_a_broker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readiness, "current_app", Celery(broker="redis://127.0.0.1:9/0"))
    check = ask("GET", "/ready").json["checks"]["broker"]
    assert check["ok"] is False
    assert "127.0.0.1:9" in check["message"]


@pytest.mark.parametrize("chunks", [(), (b'{"na',)], ids=["never begins", "stops in the middle"])
def test_a_body_that_does_not_come_is_given_up(monkeypatch: pytest.MonkeyPatch, chunks: tuple[bytes, ...]) -> None:
    monkeypatch.setattr(body, "READ_SECONDS", 0.05)
    headers = (LOOPBACK, (b"content-length", b"20"))

    async def ask_in_vain() -> Response:
        async with running_api() as api:
            return await call(api, "POST", "/e/key", chunks, headers, more_to_come=True)

    answer = asyncio.run(ask_in_vain())
    assert answer.status == 408
    assert "did not arrive" in answer.error
