"""Everything that is measured, started afresh: PostgreSQL, Valkey, the fleet of `make dev`, the no-op's workers."""

import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from apps.devserver import fleet
from apps.devserver.fleet import Program, Workers
from apps.devserver.postgres import Postgres
from apps.devserver.processes import Process, has_ended, how_it_ended, launch, stop
from apps.devserver.valkey import Valkey
from bench import functions
from bench.failing import BenchFailed

# As `make dev` has them (devserver/management/commands/dev.py).
FLEET = (
    Workers("events", "events,chores", 1, threads=4),
    Workers("steps", "steps,steps.docker", 2, threads=3),
    Workers("cpu", "steps.cpu", 1, threads=2),
)
NOOP = Workers("noop", "noop", 2, threads=2)
"""As those of queue `steps`, with another application."""

_READY_SECONDS = 120.0
_GRACE_SECONDS = 15.0


@dataclass
class Stage:
    """What runs, and where to reach it."""

    folder: Path
    postgres: Postgres
    valkey: Valkey
    port: int
    app_port: int
    environment: dict[str, str]
    processes: dict[str, Process] = field(default_factory=dict)
    """By name; without PostgreSQL and Valkey, which start themselves."""

    @property
    def noop_count(self) -> Path:
        """The file whose size is the number of no-ops executed."""
        return self.folder / "noops"

    def pids(self) -> dict[str, int]:
        stores = {"postgres": self.postgres.pid, "valkey": self.valkey.pid}
        return {
            **{name: process.pid for name, process in self.processes.items()},
            **{name: pid for name, pid in stores.items() if pid is not None},
        }

    def require_all_alive(self) -> None:
        for name, process in self.processes.items():
            if has_ended(process):
                raise BenchFailed(f"{name} ended ({how_it_ended(process)}); see {self.log_of(name)}")

    def log_of(self, name: str) -> Path:
        return self.folder / f"{name}.log"

    def start(self, program: Program) -> None:
        with self.log_of(program.name).open("ab") as log:
            self.processes[program.name] = launch(
                program.command, environment=program.environment, output=log, on_orphan=program.stop_signal
            )

    def ask(self, module: str, *arguments: object) -> str:
        """Run one of our own programs to its end; what it printed."""
        command = [sys.executable, "-m", module, *map(str, arguments)]
        done = subprocess.run(command, env=self.environment, stdout=subprocess.PIPE, text=True, check=False)
        if done.returncode:
            raise BenchFailed(f"{' '.join(command[1:])} failed")
        return done.stdout


@contextmanager
def staged() -> Iterator[Stage]:
    """Start everything in a folder of its own, which is kept if the bench fails."""
    folder = Path(tempfile.mkdtemp(prefix="inngest-bench-"))
    with ExitStack() as ending:
        postgres, valkey = Postgres(folder / "postgres"), Valkey(folder / "valkey")
        for store in (postgres, valkey):
            ending.callback(store.stop)
            store.start()
        port, app_port = _free_ports(2)
        stage = Stage(folder, postgres, valkey, port, app_port, _environment(folder, postgres, valkey))
        ending.callback(_stop, stage.processes)
        _start(stage)
        try:
            yield stage
        except BaseException:
            print(f"\nThe logs are kept in {folder}", file=sys.stderr)
            raise
    shutil.rmtree(folder, ignore_errors=True)


def _environment(folder: Path, postgres: Postgres, valkey: Valkey) -> dict[str, str]:
    return {
        "LOG_RUNS": "0",  # as in production; a line for each run is for people
        **os.environ,
        "INNGEST_DEV": "1",
        "DJANGO_SETTINGS_MODULE": "inngest_server.settings",
        "SECRET_KEY": secrets.token_hex(),
        "DATABASE_URL": postgres.url,
        "BROKER_URL": valkey.url,
        "PYTHONPATH": str(fleet.PROJECT),
        "BENCH_NOOP_COUNT": str(folder / "noops"),
    }


def _start(stage: Stage) -> None:
    functions.write_functions(stage.folder / "functions", stage.app_port)
    prepare = fleet.manage("dev_prepare", str(stage.folder / "functions"))
    with stage.log_of("prepare").open("wb") as log:
        subprocess.run(prepare, env=stage.environment, stdout=log, stderr=log, check=True)
    app = (sys.executable, "-m", "bench.local_app", str(stage.app_port))
    stage.start(Program("local app", app, stage.environment))
    for worker in fleet.workers(FLEET, stage.environment, _GRACE_SECONDS):
        stage.start(worker)
    for worker in _noop_workers(stage.environment):
        stage.start(worker)
    stage.start(fleet.web(stage.port, stage.environment))
    stage.start(fleet.beat(stage.environment))
    deadline = time.monotonic() + _READY_SECONDS
    while not _is_ready(stage.port):
        stage.require_all_alive()
        if time.monotonic() > deadline:
            raise BenchFailed(f"the server is not ready after {_READY_SECONDS:.0f} s")
        time.sleep(0.2)
    _register(stage)


def _register(stage: Stage) -> None:
    """Register the local app's functions, as an SDK does it."""
    body = json.dumps(functions.registration(stage.app_port)).encode()
    headers = {"content-type": "application/json"}
    request = urllib.request.Request(f"http://127.0.0.1:{stage.port}/fn/register", body, headers)
    try:
        urllib.request.urlopen(request, timeout=_GRACE_SECONDS).close()
    except urllib.error.HTTPError as refusal:
        raise BenchFailed(f"the SDK's app is refused: {refusal.read().decode()}") from None


def _noop_workers(environment: dict[str, str]) -> Sequence[Program]:
    bare = {name: value for name, value in environment.items() if name != "DJANGO_SETTINGS_MODULE"}
    return [
        Program(one.name, ["bench.noop" if word == "inngest_server" else word for word in one.command], bare, one.grace)
        for one in fleet.workers((NOOP,), bare, _GRACE_SECONDS)
    ]


def _is_ready(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/ready", timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _free_ports(count: int) -> list[int]:
    probes = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return ports


def _stop(processes: dict[str, Process]) -> None:
    for process in reversed(processes.values()):
        if not has_ended(process):
            process.terminate()
    for process in processes.values():
        stop(process, signal.SIGTERM, _GRACE_SECONDS)
