"""The whole server of real processes, and real apps that use an official SDK, unmodified.

How to use it. The fixtures `dev` and `production` (conftest.py) are servers that run for the whole package: PostgreSQL,
Valkey, web, beat, a worker for events and chores, and two for steps. An app is a process of its own:

    app = App(dev, "node", ["node", "tests/sdk/node/app.mjs"])       # or python_app("fastapi"), see conftest.py
    app.start()                                                      # until its URL answers
    app.sync()                                                       # PUT: it registers itself
    [event] = dev.send([{"name": "test/memoised", "data": {}}])
    run = dev.ended(event)                                           # the JSON of GET /v1/runs/<id>
    assert len(app.calls(run["run_id"])) == 4

What an app's program must do, in whatever language:
- listen on 127.0.0.1 at port $PORT, serve the SDK at /api/inngest, and be the app $APP_ID;
- take everything else from the environment as the SDK does: INNGEST_DEV=<url of the server> in dev mode, and in
  production INNGEST_BASE_URL, INNGEST_EVENT_KEY, INNGEST_SIGNING_KEY, INNGEST_SIGNING_KEY_FALLBACK;
- write down every POST to /api/inngest, outside the SDK, and answer `GET /calls?run=<id>` (all runs' without `run`)
  with an array, oldest first, of {run, fn, step, attempt, immediate_off, use_api, status, at, ended}: the query's fnId
  and stepId, the body's ctx.run_id, ctx.attempt, ctx.disable_immediate_execution and use_api, the status that was
  answered, and two times in seconds since 1970;
- `GET /effects?run=<id>`: an array of {run, what, at}, in order: what the functions' own code did;
- `POST /hold?what=<name>` and `POST /release?what=<name>` (without `what`: everything): code that comes to a place of
  this name writes down the effect `<name>` and then stays there while it is held.

Events are sent all at once and looked at later, so that scenarios run beside each other and not after each other.
"""

import hashlib
import http.client
import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import quote, urlsplit

from apps.devserver import fleet
from tests.acceptance.fleet import Running
from tests.acceptance.server import Server, free_port
from tests.waiting import wait_for

Mode = Literal["dev", "production"]
Json = Any

STATE_MAX_BYTES = 200_000
"""State from which on an app is told to fetch it: low, so that a test reaches it."""
OUTPUT_MAX_BYTES = 2_000_000
CALL_SECONDS = 12
STEPS_MAX = 200
_PRODUCTION = {"INNGEST_DEV": "0", "SECRET_KEY": "for these tests alone", "ALLOWED_HOSTS": "*"}
_LIMITS = {
    "SDK_STATE_MAX_BYTES": str(STATE_MAX_BYTES),
    "STEP_OUTPUT_MAX_BYTES": str(OUTPUT_MAX_BYTES),
    "SDK_CALL_SECONDS": str(CALL_SECONDS),
    "SDK_STEPS_MAX": str(STEPS_MAX),
    # A worker that is late must not be taken for dead: a call made twice is right then, but cannot be counted on.
    "HEARTBEAT_SECONDS": "0.5",
    "LEASE_SECONDS": "6",
}
ENVIRONMENT = "production"
ENDED = ("Completed", "Failed", "Cancelled")


@dataclass(frozen=True)
class Answer:
    """Of a request, whatever its status."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Json:
        return json.loads(self.body)


def ask(
    method: str, url: str, body: object = None, headers: Mapping[str, str] | None = None, seconds: float = 15
) -> Answer:
    """One request; a body that is not bytes goes as JSON. Header names of the answer are in lower case."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=seconds)
    sent = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
    try:
        path = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
        connection.request(method, path, sent, {"content-type": "application/json", **(headers or {})})
        answer = connection.getresponse()
        return Answer(answer.status, {name.lower(): text for name, text in answer.getheaders()}, answer.read())
    finally:
        connection.close()


class SdkServer(Server):
    """In dev mode, or in production mode with the environment `production`, its event key and its signing key."""

    def __init__(self, mode: Mode, workers: int = 2, settings: Mapping[str, str] | None = None) -> None:
        super().__init__({**_LIMITS, **(_PRODUCTION if mode == "production" else {}), **(settings or {})})
        self.mode = mode
        self._workers = [f"steps-{number}" for number in range(workers)]
        self.event_key = "dev"
        self.api_token = ""
        self.signing_key = ""

    def start(self) -> None:
        super().start()
        self.workers(*self._workers)

    def prepare(self) -> None:
        self.manage("migrate", "--no-input")
        if self.mode == "production":
            self.manage("keys", "create-environment", ENVIRONMENT)
            self.event_key = self.manage("keys", "create-event-key", ENVIRONMENT, "tests")
            self.api_token = self.manage("keys", "create-api-token", ENVIRONMENT, "tests", "--scope", "deploy")
            self.signing_key = self.manage("keys", "create-signing-key", ENVIRONMENT, "tests")

    def manage(self, *arguments: str) -> str:
        """What a command of `manage.py` says on standard output, without white space around it."""
        said = subprocess.run(
            fleet.manage(*arguments), env=self.environment(), capture_output=True, text=True, check=False
        )
        assert said.returncode == 0, said.stderr
        return said.stdout.strip()

    def api(self, method: str, path: str, body: object = None) -> Answer:
        """A request to the REST API, by someone who may."""
        shown = {"authorization": f"Bearer {self.api_token}"} if self.api_token else {}
        return ask(method, self.url + path, body, shown)

    def send(self, events: Sequence[Mapping[str, object]]) -> list[str]:
        """POST events, in one request. Their internal ids."""
        answer = ask("POST", f"{self.url}/e/{self.event_key}", list(events))
        assert answer.status == 200, answer
        ids: list[str] = answer.json["ids"]
        return ids

    def send_one(self, name: str, data: object = None) -> str:
        """POST one event; its internal id."""
        return self.send([{"name": name, "data": {} if data is None else data}])[0]

    def runs_of(self, event_id: str) -> list[Json]:
        """The runs that an event has started, oldest first, without their steps."""
        found: list[Json] = self.api("GET", f"/v1/events/{event_id}/runs").json["data"]
        return found[::-1]

    def run(self, run_id: str) -> Json:
        answer = self.api("GET", f"/v1/runs/{run_id}")
        assert answer.status == 200, answer
        return answer.json["data"]

    def steps(self, run_id: str) -> dict[str, Json]:
        """Of a run, the steps that its function made, by the names that they were given."""
        return {step["name"]: step for step in steps_of(self.run(run_id))}

    def started(self, event_id: str, function: str | None = None, seconds: float = 30) -> str:
        """The id of the run that an event has started, once it has; of this function, if it may be several."""
        return str(self._run_of(event_id, function, seconds, ended=False)["run_id"])

    def ended(self, event_id: str, function: str | None = None, seconds: float = 60) -> Json:
        """The run that an event has started, with its steps, once it has ended."""
        return self.run(self._run_of(event_id, function, seconds, ended=True)["run_id"])

    def completed(self, event_id: str, function: str | None = None, seconds: float = 60) -> Json:
        """As `ended`, of a run that must not have failed. Its output is `run["output"]`."""
        run = self.ended(event_id, function, seconds)
        assert run["status"] == "Completed", run["output"]
        return run

    def failed(self, event_id: str, function: str | None = None, seconds: float = 60) -> Json:
        """As `ended`, of a run that must have failed. Its error is `run["output"]`: name, message, stack."""
        run = self.ended(event_id, function, seconds)
        assert run["status"] == "Failed", run["output"]
        return run

    def wait_ended(self, run_id: str, seconds: float = 60) -> Json:
        """The run, once it has ended."""
        wait_for(lambda: self.run(run_id)["status"] in ENDED, f"the run {run_id} has ended", seconds)
        return self.run(run_id)

    def runs_by(self, function: str, *, wait: bool = True) -> list[Json]:
        """The newest runs of a function, newest first; there is at least one, unless it is not waited for."""

        def look() -> list[Json]:
            found: list[Json] = self.api("GET", f"/v1/runs?function_id={function}").json["data"]
            return found

        return wait_for(look, f"a run of {function} has started") if wait else look()

    def _run_of(self, event_id: str, function: str | None, seconds: float, *, ended: bool) -> Json:
        def look() -> Json | None:
            for run in self.runs_of(event_id):
                if function in (None, run["function_id"]) and (not ended or run["status"] in ENDED):
                    return run
            return None

        try:
            return wait_for(look, f"a run of {function or event_id} has {'ended' if ended else 'started'}", seconds)
        except AssertionError as late:
            there = [self.run(run["run_id"]) for run in self.runs_of(event_id)]
            raise AssertionError(f"{late}; there are: {json.dumps(there, indent=1)[:6000]}") from None


def steps_of(run: Json) -> list[Json]:
    """Of the JSON of a run, the steps that its function made, without the one that is the function itself."""
    return [step for step in run["steps"] if step["id"] != "step"]


def hash_of(name: str, index: int = 0) -> str:
    """The id by which an SDK knows the step; `index` counts those of the same name from 0."""
    return hashlib.sha1((f"{name}:{index}" if index else name).encode()).hexdigest()


@dataclass(frozen=True)
class Call:
    """One POST that an app got from the server."""

    run: str
    fn: str
    step: str
    """`step` for the function itself, or the hash of the step that is to be run."""
    attempt: int
    immediate_off: bool
    use_api: bool
    status: int | None
    """What was answered; None while the call is held."""
    at: float
    ended: float | None


class App:
    """The process of an app."""

    def __init__(
        self, server: SdkServer, app_id: str, command: Sequence[str], settings: Mapping[str, str] | None = None
    ) -> None:
        self.server = server
        self.app_id = app_id
        self.command = command
        self._settings = dict(settings or {})
        self._port = free_port()
        self._process: Running | None = None
        self.origin = f"http://127.0.0.1:{self._port}"
        self.url = f"{self.origin}/api/inngest"

    def environment(self) -> dict[str, str]:
        """What the program is told."""
        known = {"PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "LD_LIBRARY_PATH"}
        return {
            **{name: text for name, text in os.environ.items() if name in known},
            "PORT": str(self._port),
            "APP_ID": self.app_id,
            "PYTHONPATH": str(fleet.PROJECT),
            "PYTHONUNBUFFERED": "1",
            **keys_of(self.server),
            **self._settings,
        }

    def start(self, command: Sequence[str] | None = None, **settings: str) -> "App":
        """Start it, or start it anew, with another command and with settings that differ from then on."""
        self.stop()
        self.command = command or self.command
        self._settings |= settings
        program = fleet.Program(f"app-{self.app_id}", list(self.command), self.environment())
        self._process = Running(program, {}, self.server.folder)
        wait_for(self._is_up, f"the app {self.app_id} answers; it said: {self.said()}")
        return self

    def said(self) -> str:
        return self._process.tail() if self._process else ""

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process = None

    def try_to_sync(self) -> Answer:
        """PUT: the app registers itself. What it answers."""
        return ask("PUT", self.url)

    def sync(self) -> Json:
        """PUT: the app registers itself. What the server answered to it, as the app hands it on."""
        answer = self.try_to_sync()
        # The Python SDK answers with 200 also if the server has refused.
        assert answer.status == 200, answer
        assert answer.json.get("ok", True), answer
        assert "error" not in answer.json, answer
        return answer.json

    def calls(self, run_id: str | None = None) -> list[Call]:
        """The calls that the app got, of one run or of all, oldest first."""
        found = self._told("calls", run_id)
        return [Call(**{name: call.get(name) for name in Call.__dataclass_fields__}) for call in found]

    def effects(self, run_id: str | None = None) -> list[str]:
        """What the functions' own code did, in order."""
        return [effect["what"] for effect in self.effects_with_times(run_id)]

    def effects_with_times(self, run_id: str | None = None) -> list[Json]:
        return self._told("effects", run_id)

    def hold(self, what: str) -> None:
        assert ask("POST", f"{self.origin}/hold?what={quote(what)}").status == 200

    def release(self, what: str | None = None) -> None:
        assert ask("POST", f"{self.origin}/release" + (f"?what={quote(what)}" if what else "")).status == 200

    def wait_held(self, what: str, times: int = 1, run_id: str | None = None) -> None:
        """Until code has come to a place of this name so many times."""
        wait_for(lambda: self.effects(run_id).count(what) >= times, f"{what} is reached {times} times")

    def _told(self, what: str, run_id: str | None) -> list[Json]:
        answer = ask("GET", f"{self.origin}/{what}" + (f"?run={run_id}" if run_id else ""))
        assert answer.status == 200, answer
        found: list[Json] = answer.json
        return found

    def _is_up(self) -> bool:
        assert self._process is None or not self._process.has_ended, self.said()
        try:
            return ask("GET", f"{self.origin}/calls").status == 200
        except OSError:
            return False


def keys_of(server: SdkServer) -> dict[str, str]:
    """The environment by which an SDK finds the server and proves itself."""
    if server.mode == "dev":
        return {"INNGEST_DEV": server.url}
    return {
        "INNGEST_BASE_URL": server.url,
        "INNGEST_EVENT_KEY": server.event_key,
        "INNGEST_SIGNING_KEY": server.signing_key,
    }
