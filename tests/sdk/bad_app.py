"""An app that speaks the protocol badly, in this process: what it answers depends on the function that is called."""

import json
import threading
import time
from collections import Counter
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.acceptance.server import free_port

Json = Any
SDK = {"x-inngest-sdk": "inngest-py:v0.5.19", "x-inngest-req-version": "2", "content-type": "application/json"}
HASH = "0beec7b5ea3f0fdbc95d0dd47f3c5bc275da8a33"
TEN_MEGABYTES = 10 * 1024 * 1024
SLOW_SECONDS = 1.0
_NEVER_SECONDS = 60.0


def opcode(op: str, **fields: Json) -> Json:
    return {"op": op, "id": HASH, "name": "one", "displayName": "one", **fields}


def is_targeted(path: str) -> bool:
    """Whether the call is to run one step."""
    return parse_qs(urlsplit(path).query)["stepId"] != ["step"]


OPCODES: Mapping[str, Json] = {
    "unknown-op": [opcode("StepBackwards")],
    "same-op-twice": [opcode("StepRun", data=1), opcode("StepRun", data=2)],
    "empty-array": [],
    "no-array": {"op": "StepRun"},
    "no-objects": [1, None, "x"],
    "no-id": [{"op": "StepRun", "data": 1}],
    "no-op": [{"id": HASH, "data": 1}],
    "sleep-without-time": [opcode("Sleep", name="whenever")],
    "wait-without-time": [opcode("WaitForEvent", opts={"event": "x"})],
    "wait-with-bad-expression": [opcode("WaitForEvent", opts={"event": "x", "timeout": "1s", "if": "event.data.(("})],
    "invoke-of-nothing": [opcode("InvokeFunction", opts={})],
    "known-for-ever": [opcode("StepRun", data=1)],
    "planned-for-ever": [opcode("StepPlanned")],
    "discovery-for-ever": [opcode("DiscoveryRequest")],
    "not-found": [opcode("StepNotFound")],
}
"""By function: the opcodes with which it answers, always the same."""

RUBBISH: Mapping[str, tuple[int, Mapping[str, str], bytes]] = {
    "html": (200, {"content-type": "text/html"}, b"<!doctype html><title>A shop</title><h1>Welcome</h1>"),
    "html-error": (502, {"content-type": "text/html"}, b"<h1>502 Bad Gateway</h1><hr>nginx"),
    "not-json": (200, SDK, b"{'single': quotes}"),
    "not-json-206": (206, SDK, b"[{"),
    "not-utf-8": (200, SDK, b'"\xff\xfe"'),
    "wrong-status": (418, SDK, b'"a teapot"'),
    "redirect": (302, {**SDK, "location": "/elsewhere"}, b""),
    "ten-megabytes": (200, SDK, b'"' + b"x" * TEN_MEGABYTES + b'"'),
    "bad-stream": (201, SDK, b"    <html>"),
    "stream-without-status": (201, SDK, b'   {"body": "1"}'),
}
"""By function: status, headers and body."""

UNENDING = ("never", "drips")
FUNCTIONS = (*OPCODES, *RUBBISH, *UNENDING, "new-for-ever", "another-step", "hangs-up", "slow", "down")


class BadApp:
    """Registers itself; answers `slow` well, though late; `down` is a port where nobody listens."""

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()
        self._stopping = threading.Event()
        app = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                name = parse_qs(urlsplit(self.path).query)["fnId"][0].removeprefix("bad-")
                app.calls[name] += 1
                app.answer(self, name, json.loads(body))

            def log_message(self, *arguments: object) -> None:
                """Silent."""

        self._server = _Server(("127.0.0.1", 0), Handler)
        self._port = self._server.server_address[1]
        self._nobody = free_port()
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def registration(self) -> Json:
        return {
            "url": f"http://127.0.0.1:{self._port}/api/inngest",
            "deployType": "ping",
            "appName": "bad",
            "sdk": "py:v0.5.19",
            "v": "0.1",
            "framework": "flask",
            "functions": [self._function(name) for name in FUNCTIONS],
        }

    def _function(self, name: str) -> Json:
        port = self._nobody if name == "down" else self._port
        url = f"http://127.0.0.1:{port}/api/inngest?fnId=bad-{name}&stepId=step"
        retries = 0 if name in UNENDING else 1
        step = {"id": "step", "name": "step", "retries": {"attempts": retries}, "runtime": {"type": "http", "url": url}}
        return {"id": f"bad-{name}", "name": name, "triggers": [{"event": f"bad/{name}"}], "steps": {"step": step}}

    def answer(self, handler: BaseHTTPRequestHandler, name: str, document: Json) -> None:
        if name in OPCODES:
            answer_with(handler, 206, SDK, json.dumps(OPCODES[name]).encode())
        elif name in RUBBISH:
            answer_with(handler, *RUBBISH[name])
        elif name == "new-for-ever":
            answer_with(handler, 206, SDK, json.dumps([opcode("StepRun", id=f"step-{self.calls[name]}")]).encode())
        elif name == "another-step":
            planned = [opcode("StepPlanned"), opcode("StepPlanned", id="another")]
            ran = [opcode("StepRun", id="a-third")]
            answer_with(handler, 206, SDK, json.dumps(ran if is_targeted(handler.path) else planned).encode())
        elif name == "slow":
            time.sleep(SLOW_SECONDS)
            answer_with(handler, 200, SDK, b'"at last"')
        elif name == "hangs-up":
            handler.close_connection = True
        elif name == "drips":
            self._drip(handler)
        else:
            self._stopping.wait(_NEVER_SECONDS)
            handler.close_connection = True

    def _drip(self, handler: BaseHTTPRequestHandler) -> None:
        """An answer that goes on for ever."""
        handler.send_response(201)
        for header, text in {**SDK, "content-length": str(TEN_MEGABYTES)}.items():
            handler.send_header(header, text)
        handler.end_headers()
        handler.close_connection = True
        try:
            while not self._stopping.wait(0.2):
                handler.wfile.write(b" ")
        except OSError:
            return

    def close(self) -> None:
        self._stopping.set()
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: object, client_address: object) -> None:
        """The other side may hang up."""


def answer_with(handler: BaseHTTPRequestHandler, status: int, headers: Mapping[str, str], body: bytes) -> None:
    try:
        handler.send_response(status)
        for header, text in {**headers, "content-length": str(len(body))}.items():
            handler.send_header(header, text)
        handler.end_headers()
        handler.wfile.write(body)
    except OSError:
        handler.close_connection = True
