"""Servers that the command talks to: a whole real one, one in cloud mode, and one that answers what a test says."""

import http.client
import json
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

from apps.devserver import fleet
from tests.acceptance.fleet import Fleet
from tests.acceptance.server import Server, free_port
from tests.waiting import wait_for

FAILS = """
export function run({ event }: { event: any }) {
  console.log("looking for the bird");
  if (event.data.steer) throw new Error("\\u001b[2J\\u001b]0;owned\\u0007[red]gone[/red]");
  throw new TypeError("the bird has flown");
}
"""


class WholeServer(Server):
    """With workers for steps, and a function `fails` whose step logs and throws."""

    def prepare(self) -> None:
        folder = self.folder / "functions" / "fails"
        (folder / "steps" / "look").mkdir(parents=True)
        step = {
            "id": "look",
            "name": "Look for the bird",
            "path": "file://./steps/look",
            "runtime": {"type": "typescript"},
            "retries": {"attempts": 2},
        }
        document = {"id": "fails", "name": "Fails", "triggers": [{"event": "test/fails"}], "steps": {"look": step}}
        (folder / "inngest.json").write_text(json.dumps(document))
        (folder / "steps" / "look" / "index.ts").write_text(FAILS)
        super().prepare()

    def start(self) -> None:
        super().start()
        self.workers("steps")
        self.wait_working(self.own.worker("cpu", "steps.cpu"))

    def wait_run(self, event_id: str, status: str) -> str:
        """The id of the run that the event started, once it has this status."""

        def found() -> str | None:
            rows = self.ask(f"/v1/events/{event_id}/runs")["data"]
            return next((str(run["run_id"]) for run in rows if status in {run["status"], run["phase"]}), None)

        return wait_for(found, f"the run of {event_id} is {status}") or ""

    def ask(self, path: str) -> Any:
        connection = http.client.HTTPConnection("127.0.0.1", int(self.url.rpartition(":")[2]), timeout=10)
        try:
            connection.request("GET", path)
            return json.loads(connection.getresponse().read())
        finally:
            connection.close()


class CloudServer:
    """A second web process on the same data, outside dev mode: it asks for keys."""

    def __init__(self, whole: WholeServer) -> None:
        self._environment = {**whole.environment(), "INNGEST_DEV": "0", "SECRET_KEY": "of the tests"}
        self._port = free_port()
        self.url = f"http://127.0.0.1:{self._port}"
        folder = whole.folder / "cloud"
        folder.mkdir()
        self._fleet = Fleet(folder, self._environment)
        self._fleet.web(self._port)
        wait_for(self._is_up, "the web server in cloud mode answers")

    def keys(self, *arguments: str) -> str:
        """What `manage.py keys …` prints last."""
        said = subprocess.run(
            fleet.manage("keys", *arguments), env=self._environment, capture_output=True, text=True, check=False
        )
        assert said.returncode == 0, said.stderr
        return said.stdout.split()[-1] if said.stdout.split() else ""

    def close(self) -> None:
        self._fleet.kill()

    def _is_up(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=2)
        try:
            connection.request("GET", "/health")
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()


class Asked(NamedTuple):
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


class Reply(NamedTuple):
    status: int = 200
    body: bytes = b"{}"
    headers: Mapping[str, str] = {"x-inngest-server-kind": "cloud"}


def as_json(value: object, status: int = 200) -> Reply:
    return Reply(status, json.dumps(value).encode())


class Scripted(NamedTuple):
    url: str
    asked: list[Asked]


@contextmanager
def answering(answer: Callable[[Asked], Reply | None]) -> Iterator[Scripted]:
    """A server that answers as the test says; None: it closes the connection without a word."""
    asked: list[Asked] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            asked.append(Asked(self.command, self.path, dict(self.headers.items()), body))
            reply = answer(asked[-1])
            if reply is None:
                self.close_connection = True
                return
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(reply.body)))
            self.end_headers()
            self.wfile.write(reply.body)

        def do_POST(self) -> None:
            self.do_GET()

        def do_DELETE(self) -> None:
            self.do_GET()

        def log_message(self, *arguments: object) -> None:
            """Silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield Scripted(f"http://127.0.0.1:{server.server_address[1]}", asked)
    finally:
        server.shutdown()
        server.server_close()
