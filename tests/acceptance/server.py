"""A whole server of real processes, on a PostgreSQL and a Valkey of its own, and what can be asked of it."""

import http.client
import json
import os
import shutil
import socket
import subprocess
import tempfile
import urllib.parse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import psycopg

from apps.devserver import fleet
from apps.devserver.postgres import Postgres
from apps.devserver.valkey import Valkey
from tests.acceptance.called_app import CalledApp
from tests.acceptance.fleet import Fleet, Running
from tests.acceptance.functions import event_of, write_functions
from tests.waiting import wait_for

LEASE_SECONDS = 2.0
GRACE_SECONDS = 1.0
_SPEED = {
    "HEARTBEAT_SECONDS": "0.3",
    "LEASE_SECONDS": str(LEASE_SECONDS),
    "RETRY_SCALE": "0.01",
    "SHUTDOWN_GRACE_SECONDS": str(GRACE_SECONDS),
}
_POST_SECONDS = 10.0
_FRESH = (
    "TRUNCATE event_stream_event, event_stream_inbox, event_stream_parkedevent, event_stream_seeneventid, state_run,"
    " state_step, state_attempt, state_history, state_readyitem, state_scheduleditem, state_leaseditem, state_wait,"
    " state_probe, state_wideevent, state_notstarted, state_startguard"
)


class NotAccepted(Exception):
    """A POST that was answered with something else than 200, or not at all."""


class Server:
    """Web, beat and a worker for events and chores run all the time; workers for steps are each test's own.

    `settings` are environment variables that differ from, or come on top of, what the tests of this folder use.
    """

    def __init__(self, settings: Mapping[str, str] | None = None) -> None:
        self._settings = dict(settings or {})
        self.event_key, self.token = "key", ""
        # Short: the paths of sockets must be.
        self.folder = Path(tempfile.mkdtemp(prefix="ia-"))
        self.postgres = Postgres(self.folder / "pg")
        self.valkey = Valkey(self.folder / "vk")
        self.app = CalledApp()
        self._port = free_port()
        self._standing: list[Running] = []

    def start(self) -> None:
        self.postgres.start()
        self.valkey.start()
        self.fleet = Fleet(self.folder, self.environment())
        self.own = Fleet(self.folder, self.environment())
        self.prepare()
        self.start_standing()

    def prepare(self) -> None:
        """A database that is up to date, with what these tests need in it."""
        functions = self.folder / "functions"
        write_functions(functions, self.app.url)
        said = subprocess.run(
            fleet.manage("dev_prepare", str(functions)),
            env=self.environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        assert said.returncode == 0, said.stderr
        assert "not loaded" not in said.stdout, said.stdout

    def environment(self) -> dict[str, str]:
        return {
            **{name: value for name, value in os.environ.items() if name != "INNGEST_FAULT"},
            **_SPEED,
            "INNGEST_DEV": "1",
            "DJANGO_SETTINGS_MODULE": "inngest_server.settings",
            "DATABASE_URL": self.postgres.url,
            "BROKER_URL": self.valkey.url,
            "PYTHONPATH": str(fleet.PROJECT),
            "PYTHONUNBUFFERED": "1",
            **self._settings,
        }

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def start_standing(self) -> None:
        """Beat, the web server and the worker for events and chores."""
        self.chores = self.fleet.worker("chores", "events,chores", threads=4)
        self.beat = self.fleet.beat()
        self.web = self.fleet.web(self._port)
        self.wait_working(self.chores)
        wait_for(self._web_is_up, "the web server answers")

    def reset(self) -> None:
        """As new for the next test: nothing in the tables, no call held, and everything that stands is up."""
        self.own.kill()
        self.app.forget()
        if not self.postgres.answers():
            self.postgres.start()
        if not self.valkey.answers():
            self.valkey.start()
        if len(self.fleet.started) != 3 or any(running.has_ended for running in self.fleet.started):
            self.fleet.kill()
            self.start_standing()
        with psycopg.connect(self.postgres.url, autocommit=True) as connection:
            connection.execute(_FRESH)

    def workers(self, *names: str, **settings: str) -> list[Running]:
        """Step workers, up and beating. `settings` are those that differ from the others'."""
        started = [self.own.worker(name, settings=settings) for name in names]
        for worker in started:
            self.wait_working(worker)
        return started

    def wait_working(self, worker: Running) -> None:
        """Until the process beats under an identity of its own."""
        wait_for(lambda: self.identity_of(worker), f"{worker.name} beats")

    def identity_of(self, worker: Running) -> int | None:
        """The id of the living row of this process."""
        rows = self.rows("SELECT max(id) FROM state_worker WHERE name LIKE %s", f"%:{worker.pid}")
        number: int | None = rows[0][0]
        return number

    def rows(self, statement: str, *parameters: object) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.postgres.url, autocommit=True) as connection:
            return connection.execute(statement, parameters or None).fetchall()

    def number(self, statement: str, *parameters: object) -> int:
        """What a `SELECT count(*) …` says."""
        count: int = self.rows(statement, *parameters)[0][0]
        return count

    def post(self, function: str, count: int = 1, event_ids: Sequence[str] | None = None) -> list[str]:
        """POST events that trigger a function, in one request. Their internal ids. Raises NotAccepted."""
        ids: Sequence[str | None] = event_ids or [None] * count
        return self.send([{"name": event_of(function), "data": {}, **({"id": one} if one else {})} for one in ids])

    def send(self, events: Sequence[Mapping[str, object]]) -> list[str]:
        """POST events, in one request. Their internal ids. Raises NotAccepted."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=_POST_SECONDS)
        try:
            connection.request("POST", f"/e/{self.event_key}", json.dumps(events), {"content-type": "application/json"})
            answer = connection.getresponse()
            body = answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise NotAccepted(str(error)) from error
        finally:
            connection.close()
        if answer.status != 200:
            raise NotAccepted(f"{answer.status} {body.decode()}")
        accepted: list[str] = json.loads(body)["ids"]
        return accepted

    def cancel(self, run: str) -> None:
        """As a person would: DELETE /v1/runs/<id>."""
        status, body = self.call("DELETE", f"/v1/runs/{urllib.parse.quote(run)}")
        assert status < 300, f"{status} {body}"

    def call(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        """Ask the REST API. The answer's status and, if it has one, its body."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=_POST_SECONDS)
        try:
            content = None if body is None else json.dumps(body)
            headers = {"content-type": "application/json"}
            if self.token:
                headers["authorization"] = f"Bearer {self.token}"
            connection.request(method, path, content, headers)
            answer = connection.getresponse()
            text = answer.read()
        finally:
            connection.close()
        return answer.status, json.loads(text) if text else None

    def logs(self) -> str:
        """The last words of every process, for a failed test."""
        running = [*self.fleet.started, *self.own.started]
        return "\n".join(f"--- {one.name} ({one.exit_code})\n{one.tail()}" for one in running)

    def close(self) -> None:
        self.own.kill()
        self.fleet.kill()
        self.app.close()
        self.valkey.stop()
        self.postgres.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _web_is_up(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=2)
        try:
            connection.request("GET", "/health")
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
