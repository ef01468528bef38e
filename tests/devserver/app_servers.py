"""Small HTTP servers of this process that answer as an SDK's app does, or as anything else."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

SDK = {"x-inngest-sdk": "inngest-js:v4.24.0", "x-inngest-sdk-handled": "true"}
Answer = tuple[int, dict[str, str], object]


class Served:
    """A server's port, what it was asked, and what it answers: `answer` may be replaced meanwhile."""

    def __init__(self, port: int, answer: Callable[[str, str], Answer]) -> None:
        self.port = port
        self.answer = answer
        self.asked: list[str] = []

    def url(self, path: str = "/api/inngest", host: str = "localhost") -> str:
        return f"http://{host}:{self.port}{path}"


@contextmanager
def serving(answer: Callable[[str, str], Answer], port: int = 0) -> Iterator[Served]:
    """`answer` gets method and path."""

    class Handler(BaseHTTPRequestHandler):
        def handle_any(self) -> None:
            served.asked.append(f"{self.command} {self.path}")
            status, headers, value = served.answer(self.command, self.path)
            body = json.dumps(value).encode()
            self.send_response(status)
            for name, text in {**headers, "content-length": str(len(body))}.items():
                self.send_header(name, text)
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_PUT = handle_any  # noqa: N815 (http.server names them)

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    served = Served(server.server_port, answer)
    thread = Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield served
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def introspection(method: str, path: str) -> Answer:
    """What an app in dev mode answers to whoever looks, at the usual path."""
    if path != "/api/inngest":
        return (404, {}, "not here")
    return (200, SDK, {"function_count": 1, "mode": "dev"})


def nothing(method: str, path: str) -> Answer:
    """What a program answers that serves no functions."""
    return (404, {}, "not here")
