"""The development server, from nothing to a running fleet and back."""

import os
import signal
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from apps.devserver import fleet, leftovers, ports
from apps.devserver.banner import banner
from apps.devserver.datafolder import locked, secret_key
from apps.devserver.faults import CannotStart
from apps.devserver.output import Log
from apps.devserver.postgres import Postgres
from apps.devserver.processes import holds_within
from apps.devserver.supervisor import Supervisor
from apps.devserver.valkey import Valkey

# What stops first, what last.
BEAT, WEB, WORKERS, APP, BROKER, DATABASE = range(6)

_HEALTH_SECONDS = 60.0
_WORKER_GRACE_SECONDS = 15.0
_LAST_LINES_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Options:
    """What a person may ask of the development server."""

    port: int
    app_port: int
    data: Path
    functions: Path
    workers: Sequence[fleet.Workers]
    apps: fleet.Apps


def run(options: Options) -> None:
    """Runs everything until Ctrl-C or SIGTERM. Raises CannotStart with what is in the way."""
    log = Log(sys.stdout, width=max(len(name) for group in options.workers for name in [*group.names, "functions"]))
    with locked(options.data) as folder, _interrupts() as let_force:
        record = folder / "children.json"
        for name in leftovers.stop_recorded(record):
            log.line("dev", f"stopped {name}, which a killed server had left running")
        if options.port == options.app_port:
            raise CannotStart(f"--port and --app-port are both {options.port}; each needs a port of its own.")
        _require_port(options.port)
        supervisor = Supervisor(log, record)
        try:
            environment = _start_stores(supervisor, folder, log)
            _prepare(options.functions, environment, log)
            _start_fleet(supervisor, options, environment, log)
            _wait_healthy(supervisor, options.port)
            # Apps answer by registering with the web server, so it comes first.
            supervisor.start(fleet.apps(f"http://localhost:{options.port}", options.apps, environment), BEAT)
            log.block(banner(options.port, options.functions, folder, sys.stdout.isatty()))
            supervisor.watch()
        except KeyboardInterrupt:
            log.line("dev", "stopping; once more to force it")
        finally:
            let_force(supervisor)
            supervisor.stop()


def _start_stores(supervisor: Supervisor, folder: Path, log: Log) -> Mapping[str, str]:
    """PostgreSQL and Valkey, where the environment names none; the environment for the rest of the fleet."""
    environment = {
        **os.environ,
        "INNGEST_DEV": "1",
        "DJANGO_SETTINGS_MODULE": "inngest_server.settings",
        "PYTHONPATH": os.pathsep.join(filter(None, [str(fleet.PROJECT), os.environ.get("PYTHONPATH")])),
        "PYTHONUNBUFFERED": "1",
        "SECRET_KEY": os.environ.get("SECRET_KEY") or secret_key(folder),
    }
    postgres = None if environment.get("DATABASE_URL") else Postgres(folder / "postgres")
    valkey = None if environment.get("BROKER_URL") else Valkey(folder / "valkey")
    if valkey:
        supervisor.start(valkey, BROKER)
    if postgres:
        log.line("dev", f"starting PostgreSQL, data in {postgres.folder}")
        supervisor.start(postgres, DATABASE)
        postgres.wait_ready()
        environment["DATABASE_URL"] = postgres.url
    if valkey:
        valkey.wait_ready()
        environment["BROKER_URL"] = valkey.url
    return environment


def _prepare(functions: Path, environment: Mapping[str, str], log: Log) -> None:
    """Migrates the database and loads the functions, in a process of its own: ours has no database."""
    program = fleet.Program("setup", fleet.manage("dev_prepare", str(functions.absolute())), environment)
    process = program.spawn()
    assert process.stdout is not None
    copying = log.follow(program.name, process.stdout)
    code = process.wait()
    copying.join(_LAST_LINES_SECONDS)
    if code != 0:
        raise CannotStart("Preparing the database and the functions failed; the log above says why.")


def _start_fleet(supervisor: Supervisor, options: Options, environment: Mapping[str, str], log: Log) -> None:
    script = options.functions / "app.py"
    if script.exists() and ports.is_free(options.app_port):
        supervisor.start(fleet.example_app(script, options.app_port, environment), APP)
    elif script.exists():
        log.line("dev", f"{ports.in_use(options.app_port)}; {script} is not started (--app-port gives it another)")
    for worker in fleet.workers(options.workers, environment, _WORKER_GRACE_SECONDS):
        supervisor.start(worker, WORKERS)
    supervisor.start(fleet.web(options.port, environment), WEB)
    supervisor.start(fleet.watcher(options.functions, environment), BEAT)
    supervisor.start(fleet.beat(environment), BEAT)


def _require_port(port: int) -> None:
    # What a killed server left lets go of the port in a moment.
    if not holds_within(2.0, lambda: ports.is_free(port), pause=0.1):
        raise CannotStart(f"{ports.in_use(port)}; stop it, or give another port with --port.")


def _wait_healthy(supervisor: Supervisor, port: int) -> None:
    deadline = time.monotonic() + _HEALTH_SECONDS
    while not _is_healthy(port):
        if time.monotonic() > deadline:
            raise CannotStart(f"The web server did not answer within {_HEALTH_SECONDS:.0f} s; the log above says why.")
        supervisor.look()
        time.sleep(0.05)


def _is_healthy(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://{ports.HOST}:{port}/health", timeout=2) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


@contextmanager
def _interrupts() -> Iterator[Callable[[Supervisor], None]]:
    """Has Ctrl-C, SIGTERM and a closed terminal raise KeyboardInterrupt, until told to have them force the end."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    def let_force(supervisor: Supervisor) -> None:
        def force(number: int, frame: FrameType | None) -> None:
            supervisor.kill()
            os._exit(130)

        for number in numbers:
            signal.signal(number, force)

    before = {number: signal.signal(number, interrupt) for number in numbers}
    try:
        yield let_force
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
