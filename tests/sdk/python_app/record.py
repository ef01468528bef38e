"""What the app writes down: the calls that it gets, outside the SDK, and what its functions' code does."""

import json
import threading
import time
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from io import BytesIO
from typing import Any
from urllib.parse import parse_qs

Json = Any
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Asgi = Callable[[Scope, Receive, Send], Awaitable[None]]
StartResponse = Callable[..., Any]
Wsgi = Callable[[dict[str, Any], StartResponse], Iterable[bytes]]

SERVED_AT = "/api/inngest"
_guard = threading.Lock()
_calls: list[Json] = []
_effects: list[Json] = []
_held: set[str] = set()


def effect(run: str, what: str) -> int:
    """Write down that code of a run has done something; how often it has by now."""
    with _guard:
        _effects.append({"run": run, "what": what, "at": time.time()})
        return sum(one["run"] == run and one["what"] == what for one in _effects)


def is_held(what: str) -> bool:
    return what in _held


def record_calls(app: Asgi) -> Asgi:
    """An ASGI app that writes down the calls of another one, and answers what the tests ask."""

    async def recording(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        query = scope["query_string"].decode()
        if scope["path"] != SERVED_AT:
            status, body = answer(scope["path"], query)
            head = [(b"content-type", b"application/json")]
            await send({"type": "http.response.start", "status": status, "headers": head})
            await send({"type": "http.response.body", "body": body})
            return
        if scope["method"] != "POST":
            await app(scope, receive, send)
            return
        whole = b""
        more = True
        while more:
            message = await receive()
            whole += message.get("body", b"")
            more = message.get("more_body", False)
        call = _call(query, whole)
        given = [{"type": "http.request", "body": whole, "more_body": False}]

        async def replay() -> MutableMapping[str, Any]:
            return given.pop() if given else await receive()

        async def watch(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                call["status"] = message["status"]
            call["ended"] = time.time()
            await send(message)

        await app(scope, replay, watch)

    return recording


def record_calls_sync(app: Wsgi) -> Wsgi:
    """The same for WSGI."""

    def recording(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        query = environ.get("QUERY_STRING", "")
        if environ["PATH_INFO"] != SERVED_AT:
            status, body = answer(environ["PATH_INFO"], query)
            start_response(f"{status} -", [("content-type", "application/json"), ("content-length", str(len(body)))])
            return [body]
        if environ["REQUEST_METHOD"] != "POST":
            return app(environ, start_response)
        whole = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = BytesIO(whole)
        call = _call(query, whole)

        def watch(status: str, *arguments: Any) -> Any:
            call["status"], call["ended"] = int(status.split(maxsplit=1)[0]), time.time()
            return start_response(status, *arguments)

        return app(environ, watch)

    return recording


def answer(path: str, query: str) -> tuple[int, bytes]:
    """Status and body for what a test asks."""
    asked = {name: values[0] for name, values in parse_qs(query).items()}
    with _guard:
        if path in ("/calls", "/effects"):
            told = _calls if path == "/calls" else _effects
            return 200, json.dumps([one for one in told if asked.get("run") in (None, one["run"])]).encode()
        if path == "/hold":
            _held.add(asked["what"])
        elif path == "/release":
            _held.intersection_update(_held - {asked["what"]} if "what" in asked else ())
        else:
            return 404, b"null"
    return 200, b"null"


def _call(query: str, body: bytes) -> dict[str, Json]:
    asked = parse_qs(query)
    try:
        document = json.loads(body)
    except ValueError:
        document = {}
    ctx = document.get("ctx", {})
    call = {
        "run": ctx.get("run_id", ""),
        "fn": asked.get("fnId", [""])[0],
        "step": asked.get("stepId", [""])[0],
        "attempt": ctx.get("attempt"),
        "immediate_off": ctx.get("disable_immediate_execution"),
        "use_api": document.get("use_api"),
        "status": None,
        "at": time.time(),
        "ended": None,
    }
    with _guard:
        _calls.append(call)
    return call
