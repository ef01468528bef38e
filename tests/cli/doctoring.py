"""`inngest doctor` as a process, and what it found."""

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

from apps.devserver import fleet
from tests.acceptance.server import Server

PRODUCTION = {"INNGEST_DEV": "0", "ALLOWED_HOSTS": "127.0.0.1,localhost"}
COMMAND = (sys.executable, "-m", "apps.cli.main", "doctor")
SECONDS = 40


class Diagnosis(NamedTuple):
    code: int
    text: str
    """All that was printed."""
    findings: dict[str, dict[str, Any]]
    """By name."""

    def level(self, name: str) -> str:
        return str(self.findings[name]["level"])

    def of(self, name: str) -> tuple[str, str, str]:
        finding = self.findings[name]
        return finding["level"], finding["found"], finding["to_do"]

    @property
    def faults(self) -> set[str]:
        return {name for name, finding in self.findings.items() if finding["level"] == "fault"}


def doctor(environment: Mapping[str, str], folder: Path) -> Diagnosis:
    """What it says with these environment variables, called in this folder."""
    run = subprocess.run(
        [*COMMAND, "--json"],
        env={"INNGEST_CONFIG_DIR": str(folder / "no-config"), **environment},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert run.stderr == ""
    said = json.loads(run.stdout)
    findings = {check["name"]: check for check in said["checks"]}
    assert said["ok"] == (run.returncode == 0)
    return Diagnosis(run.returncode, run.stdout, findings)


@contextmanager
def answering(headers: Mapping[str, str] = {}, seconds_ahead: float = 0.0, seconds_late: float = 0.0) -> Iterator[str]:
    """A server that answers everything with `{}`, and whose clock may be wrong; its address.

    What comes after `/health` it answers so much later.
    """
    import time

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path != "/health":
                time.sleep(seconds_late)
            self.send_response(200)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def date_time_string(self, timestamp: float | None = None) -> str:
            return formatdate(time.time() + seconds_ahead, usegmt=True)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            """Says nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()


def examine(server: Server, folder: Path, **variables: str) -> Diagnosis:
    return doctor({**server.environment(), "INNGEST_API_URL": server.url, **variables}, folder)


def manage(server: Server, *arguments: str) -> str:
    environment = server.environment() | PRODUCTION
    said = subprocess.run(fleet.manage(*arguments), env=environment, capture_output=True, text=True, check=True)
    return said.stdout.strip()


def all_workers(server: Server) -> None:
    for queue in ("steps", "steps.cpu"):
        server.wait_working(server.own.worker(queue, queue))


def is_listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def plain() -> Mapping[str, str]:
    """The environment of somebody who is not on a server."""
    servers = ("DATABASE_URL", "BROKER_URL", "INNGEST_DEV", "SECRET_KEY", "DJANGO_SETTINGS_MODULE")
    own = {name: value for name, value in os.environ.items() if name not in servers}
    return {**own, "PYTHONPATH": str(fleet.PROJECT)}


UNDONE = """
INSERT INTO event_stream_parkedevent VALUES (1, 'bad', now()), (2, 'bad', now());
INSERT INTO event_stream_event (seq, internal_id, environment_id, name, payload, received_at, duplicate)
    VALUES (3, '01KG9Q1ZJ8W4C9D2V7N5T3X6YA', 1, 'old', '{}', now() - interval '2 minutes', false),
           (4, '01KG9Q1ZJ8W4C9D2V7N5T3X6YB', 1, 'new', '{}', now(), false);
INSERT INTO event_stream_inbox VALUES (3), (4);
INSERT INTO state_step (run_id, step_id, status, item_id, attempts, queued_at)
    VALUES ('01KG9Q1ZJ8W4C9D2V7N5T3X6YA', 'a', 'open', 1, 0, now() - interval '2 minutes'),
           ('01KG9Q1ZJ8W4C9D2V7N5T3X6YA', 'b', 'open', 2, 0, now());
INSERT INTO state_readyitem (id, queue, function_id, run_id, step_id, attempt, priority, returns)
    VALUES (1, 'steps', 1, '01KG9Q1ZJ8W4C9D2V7N5T3X6YA', 'a', 1, 0, 0),
           (2, 'steps', 1, '01KG9Q1ZJ8W4C9D2V7N5T3X6YA', 'b', 1, 0, 0);
INSERT INTO state_leaseditem
    (id, queue, function_id, run_id, step_id, attempt, priority, returns, worker_id, leased_at)
    VALUES (3, 'steps', 1, '01KG9Q1ZJ8W4C9D2V7N5T3X6YA', 'c', 1, 0, 0, 0, now());
"""
