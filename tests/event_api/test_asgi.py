"""The server's door, where Django answers: no request's body is waited for, or kept, without end."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest
from django.db import OperationalError
from pytest_django import Settings

from apps.datastore.keys import create_api_token
from apps.datastore.models import Environment, Scope
from inngest_server import asgi, body_limits, deploy_door
from tests.event_api.calling import LOOPBACK, Response
from tests.functions import dev_environment

LIMIT = 1_000 + body_limits.SLACK_BYTES
DEPLOY_LIMIT = 100_000 + body_limits.SLACK_BYTES


@pytest.fixture(autouse=True)
def small_limits(settings: Settings) -> None:
    settings.EVENT_MAX_BYTES = 100
    settings.REGISTRATION_MAX_BYTES = 1_000
    settings.DEPLOY_MAX_BYTES = 100_000


async def never() -> AsyncIterator[bytes]:
    await asyncio.Event().wait()
    yield b""


async def in_pieces(*pieces: bytes, pause: float = 0.0) -> AsyncIterator[bytes]:
    for piece in pieces:
        await asyncio.sleep(pause)
        yield piece


def post(body: AsyncIterator[bytes], *headers: tuple[bytes, bytes], path: str = "/") -> Response | None:
    """To `/`, which refuses a POST once its body is there. None if there was no answer."""
    sent: list[dict[str, Any]] = []

    async def receive() -> Mapping[str, Any]:
        async for piece in body:
            return {"type": "http.request", "body": piece, "more_body": piece != b""}
        return await asyncio.Future()

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    async def scenario() -> None:
        scope = {"type": "http", "method": "POST", "path": path, "query_string": b"", "headers": [LOOPBACK, *headers]}
        async with asyncio.timeout(20):
            await asgi.Application()(scope, receive, send)

    asyncio.run(scenario())
    if not sent:
        return None
    start, *rest = sent
    text = b"".join(message.get("body", b"") for message in rest)
    return Response(start["status"], {name.lower(): value for name, value in start["headers"]}, text)


def too_large(answer: Response | None) -> bool:
    assert answer is not None
    assert answer.headers[b"x-inngest-server-kind"] == b"dev"
    return answer.status == 413 and json.loads(answer.body)["status"] == 413 and str(LIMIT) in answer.error


def test_a_body_within_the_limit_reaches_django() -> None:
    answer = post(in_pieces(b"x" * LIMIT, b""), (b"content-length", str(LIMIT).encode()))
    assert answer is not None
    assert answer.status == 405


def test_a_body_that_is_announced_as_too_large_is_refused_before_it_comes() -> None:
    assert too_large(post(never(), (b"content-length", str(LIMIT + 1).encode())))


def test_a_body_that_turns_out_to_be_too_large_is_refused_then() -> None:
    assert too_large(post(in_pieces(b"x" * LIMIT, b"x", *[b"x" * LIMIT] * 3, b"")))


def test_a_body_that_comes_drop_by_drop_has_one_deadline_for_all_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(body_limits, "BODY_SECONDS", 0.3)
    assert post(in_pieces(*[b"x"] * 100, b"", pause=0.1)) is None


# Deploys


@pytest.fixture
def in_production(settings: Settings) -> None:
    settings.INNGEST_DEV = False
    settings.ALLOWED_HOSTS = ["*"]


@pytest.mark.django_db(transaction=True)
def test_only_a_deploy_may_be_as_large_as_one() -> None:
    dev_environment()
    body = b"x" * DEPLOY_LIMIT
    deployed = post(in_pieces(body, b""), path=body_limits.DEPLOYS)
    assert deployed is not None
    assert deployed.status == 415  # of Django's view, so it has come through
    assert too_large(post(in_pieces(body, b""), path="/v1/deploys/1/rollback"))
    larger = post(in_pieces(body, b"x", b""), path=body_limits.DEPLOYS)
    assert larger is not None
    assert (larger.status, str(DEPLOY_LIMIT) in larger.error) == (413, True)


def test_a_deploy_has_a_deadline_of_its_own(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    settings.DEPLOY_BODY_SECONDS = 0.3
    assert post(in_pieces(*[b"x"] * 100, b"", pause=0.1), path=body_limits.DEPLOYS) is None


@pytest.mark.usefixtures("in_production")
@pytest.mark.parametrize("headers", [[], [(b"authorization", b"")], [(b"authorization", b"  ")]])
def test_a_deploy_without_a_key_is_refused_before_its_body_comes(headers: list[tuple[bytes, bytes]]) -> None:
    answer = post(never(), *headers, path=body_limits.DEPLOYS)
    assert answer is not None
    assert (answer.status, json.loads(answer.body)["status"]) == (401, 401)
    assert answer.headers[b"www-authenticate"] == b"Bearer"
    assert answer.headers[b"x-inngest-server-kind"] == b"cloud"


@pytest.fixture
def environment(in_production: None, transactional_db: None) -> Environment:
    return dev_environment()


def bearer(token: str) -> tuple[bytes, bytes]:
    return b"authorization", f"Bearer {token}".encode()


@pytest.mark.usefixtures("environment")
@pytest.mark.parametrize(
    ("header", "error"),
    [
        (b"x", "`Authorization` must be `Bearer <API token>`"),
        (b"Bearer nonsense", "API token not found"),
        (b"Bearer " + b"a" * 64, "Signing key not found"),
    ],
)
def test_a_deploy_with_a_key_that_nobody_has_is_refused_before_its_body_comes(header: bytes, error: str) -> None:
    answer = post(never(), (b"authorization", header), path=body_limits.DEPLOYS)
    assert answer is not None
    assert (answer.status, answer.error, json.loads(answer.body)["status"]) == (401, error, 401)
    assert answer.headers[b"www-authenticate"] == b"Bearer"


def test_a_deploy_with_a_key_that_may_only_read_is_refused_before_its_body_comes(environment: Environment) -> None:
    token = create_api_token(environment, "reader", Scope.READ)
    answer = post(never(), bearer(token), path=body_limits.DEPLOYS)
    assert answer is not None
    assert (answer.status, answer.error) == (403, "This needs an API token of scope deploy; this one has read")


def test_a_deploy_with_a_key_that_may_deploy_is_read(environment: Environment) -> None:
    token = create_api_token(environment, "deployer", Scope.DEPLOY)
    answer = post(in_pieces(b"x" * 1_000, b""), bearer(token), path=body_limits.DEPLOYS)
    assert answer is not None
    assert answer.status == 415  # of Django's view


@pytest.mark.usefixtures("environment")
def test_a_deploy_whose_key_cannot_be_looked_up_is_asked_to_come_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: bytes) -> None:
        raise OperationalError("no connection")

    monkeypatch.setattr(deploy_door, "check_may_deploy", fail)
    answer = post(never(), bearer("x"), path=body_limits.DEPLOYS)
    assert answer is not None
    assert (answer.status, b"retry-after" in answer.headers) == (503, True)


@pytest.mark.django_db(transaction=True)
def test_only_so_many_deploys_are_received_at_once(settings: Settings) -> None:
    dev_environment()
    settings.DEPLOYS_RECEIVED = 2
    places = [deploy_door.take_place() for _ in range(2)]
    try:
        answer = post(never(), path=body_limits.DEPLOYS)
        assert answer is not None
        assert (answer.status, b"retry-after" in answer.headers) == (503, True)
    finally:
        for place in places:
            assert place is not None
            place.give_back()
    for _ in range(3):  # a body that has come, or ended too late, holds no place
        came = post(in_pieces(b"x", b""), path=body_limits.DEPLOYS)
        assert came is not None
        assert came.status == 415
        settings.DEPLOY_BODY_SECONDS = 0.1
        assert post(never(), path=body_limits.DEPLOYS) is None
        settings.DEPLOY_BODY_SECONDS = 10.0
    assert deploy_door.Place.taken == 0
