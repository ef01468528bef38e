"""Asking an app to sync. The answers are those of the Python SDK 0.5.19 and the TypeScript SDK 4.24.0."""

import json
import socket
import time
from collections.abc import Callable

import pytest

from drivers import signing
from drivers.http_request import Found
from drivers.sdk_sync import (
    Introspection,
    NotAnApp,
    NotThere,
    SyncFailed,
    WrongMode,
    ask_to_sync,
    introspect,
    sync_in_band,
)
from tests.drivers.server import Request, Serve, Server, reply

KEY = "signkey-prod-" + "ab" * 32
OTHER_KEY = "signkey-prod-" + "cd" * 32
PYTHON = ("x-inngest-sdk: inngest-py:v0.5.19", "x-inngest-sdk-handled: true", "x-inngest-framework: fast_api")
TYPESCRIPT = ("x-inngest-sdk: inngest-js:v4.24.0", "x-inngest-sdk-handled: true", "x-inngest-framework: express")
UNSIGNED = ("x-inngest-sdk-handled: true",)

App = Callable[..., Server]


@pytest.fixture
def app(serve: Serve) -> App:
    def start(value: object, status: str = "200 OK", headers: tuple[str, ...] = PYTHON) -> Server:
        return serve(lambda request: reply(json.dumps(value).encode(), status, *headers))

    return start


@pytest.fixture
def free_url() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}/api/inngest"


def test_an_app_in_dev_mode_tells_what_it_is(app: App) -> None:
    server = app({"schema_version": "2024-05-24", "function_count": 2, "has_event_key": False, "mode": "dev"})
    assert introspect(server.url) == Introspection(server.url, "dev", "py:v0.5.19", "fast_api", 2, False, None)
    assert server.requests[0].header("x-inngest-server-kind") == "dev"


@pytest.mark.parametrize(
    ("value", "status"),
    [
        ({"message": "Unauthorized"}, "401 Unauthorized"),
        ({}, "403 Forbidden"),
        ({"code": "internal_server_error"}, "500 Internal Server Error"),  # TypeScript without a key
    ],
)
def test_an_app_in_cloud_mode_is_known_though_it_tells_nothing(app: App, value: object, status: str) -> None:
    assert introspect(app(value, status, UNSIGNED).url).mode == "cloud"


def test_something_else_at_the_url_is_told_as_it_was_found(serve: Serve) -> None:
    page = b"<!doctype html>\n<h1>No such page"
    head = f"HTTP/1.1 404 Not Found\r\ncontent-type: text/html; charset=utf-8\r\ncontent-length: {len(page)}\r\n\r\n"
    server = serve(lambda request: head.encode() + page)
    for ask in (introspect, ask_to_sync):
        with pytest.raises(NotAnApp) as fault:
            ask(server.url)
        assert str(fault.value) == (
            f"no Inngest SDK answers at {server.url}: 404 Not Found, text/html: <!doctype html> <h1>No such page"
        )


def test_an_error_of_an_app_is_not_an_introspection(app: App) -> None:
    with pytest.raises(NotAnApp, match="500 Internal Server Error"):
        introspect(app({"type": "internal"}, "500 Internal Server Error", TYPESCRIPT).url)


def test_a_redirect_is_named_and_not_followed(serve: Serve) -> None:
    moved = b"HTTP/1.1 307 Temporary Redirect\r\nlocation: /api/inngest/\r\ncontent-length: 0\r\n\r\n"
    server = serve(lambda request: moved)
    with pytest.raises(NotAnApp, match="307 Temporary Redirect, to /api/inngest/; redirects are not followed"):
        ask_to_sync(server.url)
    assert len(server.requests) == 1


def test_nothing_at_the_url_is_told_with_the_reason(free_url: str) -> None:
    with pytest.raises(NotThere, match=f"no answer from {free_url}: connection refused"):
        introspect(free_url)


def test_an_app_that_never_answers_is_given_up_in_time(serve: Serve) -> None:
    def never(request: Request) -> bytes | None:
        server.ending.wait(30)
        return None

    server = serve(never)
    began = time.monotonic()
    with pytest.raises(NotThere, match=r"within 0\.2 s"):
        ask_to_sync(server.url, timeout=0.2)
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("url", ["", "localhost:3000", "ftp://localhost/", "http://", "http://[::1", "http://a:port/"])
def test_what_is_no_url_is_said_so(url: str) -> None:
    with pytest.raises(NotThere, match="is not a URL"):
        introspect(url)


def test_rubbish_instead_of_http_is_no_answer(serve: Serve) -> None:
    with pytest.raises(NotThere, match="the answer is not HTTP"):
        introspect(serve(lambda request: b"-ERR unknown command 'GET'\r\n").url)


@pytest.mark.parametrize("ask", [introspect, ask_to_sync, lambda url: sync_in_band(url, KEY)])
def test_a_server_that_changes_protocols_is_no_answer(serve: Serve, ask: Callable[[str], object]) -> None:
    upgrade = b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n"
    with pytest.raises(NotThere, match="it wants to change protocols"):
        ask(serve(lambda request: upgrade).url)


def test_asking_to_sync_is_a_put_without_a_body(app: App) -> None:
    server = app({"ok": True, "modified": True})
    assert ask_to_sync(server.url) is True
    [request] = server.requests
    assert request.head.startswith(b"PUT / HTTP/1.1\r\n")
    assert (request.body, request.header("content-length")) == (b"", "0")
    assert request.header("x-inngest-server-kind") == "dev"
    assert request.header("x-inngest-sync-kind") is None


def test_whether_a_sync_changed_anything_is_the_apps_own_account(app: App) -> None:
    assert ask_to_sync(app({"message": "Successfully registered", "modified": False}, headers=TYPESCRIPT).url) is False


@pytest.mark.parametrize(
    ("value", "status", "reason"),
    [
        ({"error": "App ID required", "status": 400}, "200 OK", "App ID required"),  # as Python passes it on
        ({"message": "App ID required", "modified": False}, "400 Bad Request", "App ID required"),
        ({"message": "Failed to register; fetch failed"}, "500 Internal Server Error", "fetch failed"),
        ({"code": "unknown", "message": "All connection attempts failed"}, "500 Internal Server Error", "All connect"),
        ("oops", "500 Internal Server Error", "500 Internal Server Error"),
    ],
)
def test_a_refused_registration_is_told_with_the_apps_reason(app: App, value: object, status: str, reason: str) -> None:
    with pytest.raises(SyncFailed, match=f"could not register: .*{reason}"):
        ask_to_sync(app(value, status).url)


HOSTILE = "\x1b[2J\x00\r\ngone: \ud800" + "x" * 100_000


@pytest.mark.parametrize("value", [{"error": HOSTILE}, {"message": HOSTILE}, {"error": [HOSTILE]}])
@pytest.mark.parametrize("ask", [ask_to_sync, lambda url: sync_in_band(url, KEY), introspect])
def test_an_apps_words_are_told_in_one_printable_line(app: App, value: object, ask: Callable[[str], object]) -> None:
    with pytest.raises(SyncFailed) as fault:
        ask(app(value, "500 Oh \x9b", PYTHON).url)
    assert str(fault.value).isprintable()
    assert len(str(fault.value)) <= 500


@pytest.mark.parametrize("status", ["200 OK", "302 Found"])
def test_what_is_found_is_described_in_one_printable_line(status: str) -> None:
    number, reason = status.split()
    headers = {"content-type": "\x1b" * 9_000, "location": "\x9b" * 9_000}
    described = Found("http://a", int(number), reason, headers, b"\x00\x1b\n" + b"x" * 9_000).described()
    assert described.isprintable()
    assert len(described) <= 500
    assert described.endswith("; redirects are not followed" if number == "302" else "…")


@pytest.mark.parametrize(
    "value",
    [
        {"code": "server_kind_mismatch", "message": "Sync rejected since it's from a Dev Server but expected Cloud"},
        {"code": "internal_server_error"},
    ],
)
def test_an_app_in_cloud_mode_is_told_to_start_in_dev_mode(app: App, value: object) -> None:
    with pytest.raises(WrongMode, match="is in cloud mode: start it with INNGEST_DEV=1"):
        ask_to_sync(app(value, "400 Bad Request", UNSIGNED).url)


def signed(value: object, key: str = KEY, at: float = 0, *headers: str) -> bytes:
    body = json.dumps(value).encode()
    signature = signing.sign(body, key, int(time.time() + at))
    return reply(body, "200 OK", *TYPESCRIPT, *(headers or (f"x-inngest-signature: {signature}", IN_BAND)))


IN_BAND = "x-inngest-sync-kind: in_band"


def test_an_in_band_sync_is_signed_both_ways(serve: Serve) -> None:
    server = serve(lambda request: signed({"app_id": "shop", "functions": []}))
    assert sync_in_band(server.url, KEY) == {"app_id": "shop", "functions": []}
    [request] = server.requests
    assert request.head.startswith(b"PUT ")
    assert json.loads(request.body) == {"url": server.url}
    assert request.header("x-inngest-sync-kind") == "in_band"
    assert request.header("x-inngest-server-kind") == "cloud"
    signature = request.header("x-inngest-signature")
    assert signature is not None
    assert signing.verify(request.body, signature, KEY, int(time.time()))


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (lambda: signed({}, OTHER_KEY), "signed with another key"),
        (lambda: signed({}, KEY, -3600), "signed with another key than ours, or too long ago"),
        (lambda: signed({}, KEY, 0, IN_BAND), "is not signed: the app runs in dev mode"),
        (lambda: signed({}, KEY, 0, "x-inngest-sync-kind: out_of_band"), "does not sync in band"),
        (lambda: signed([]), "is not a JSON object"),
        (lambda: reply(b'{"message": "Unauthorized"}', "401 Unauthorized", *UNSIGNED), "does not accept our signature"),
        (lambda: reply(b'{"code": "internal_server_error"}', "500 Oh", *UNSIGNED), "has no INNGEST_SIGNING_KEY"),
        (lambda: reply(b'{"code": "server_kind_mismatch"}', "400 Bad Request", *PYTHON), "is in dev mode"),
        (lambda: reply(b'{"message": "boom"}', "500 Oh", *PYTHON), "did not sync: boom"),
        (lambda: reply(b"[]", "200 OK"), "no Inngest SDK answers"),
    ],
)
def test_an_in_band_answer_that_proves_nothing_is_refused(
    serve: Serve, answer: Callable[[], bytes], reason: str
) -> None:
    with pytest.raises(SyncFailed, match=reason):
        sync_in_band(serve(lambda request: answer()).url, KEY)
