"""The development server, from nothing to a running fleet and back."""

import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType

from apps.devserver import fleet, leftovers, ports
from apps.devserver.addresses import LOOPBACK, Address, address_of
from apps.devserver.app_addresses import PORTS
from apps.devserver.banner import SDK_PORT, banner
from apps.devserver.datafolder import locked, secret_key
from apps.devserver.faults import CannotStart
from apps.devserver.health import wait_healthy
from apps.devserver.hearing import Hearing
from apps.devserver.live import Live
from apps.devserver.output import Log
from apps.devserver.postgres import Postgres, forget_variables
from apps.devserver.processes import holds_within
from apps.devserver.supervisor import Supervisor
from apps.devserver.valkey import Valkey

# What stops first, what last.
BEAT, WEB, WORKERS, APP, BROKER, DATABASE = range(6)

_WORKER_GRACE_SECONDS = 15.0
_LAST_LINES_SECONDS = 2.0
EXAMPLES = fleet.PROJECT / "examples"
WORKERS_BY_DEFAULT = (
    fleet.Workers("events", "events,chores", 1, threads=4),
    fleet.Workers("steps", "steps,steps.docker", 2, threads=3),
    fleet.Workers("cpu", "steps.cpu", 1, threads=2),
)
APPS_BY_DEFAULT = fleet.Apps(ports=PORTS)


@dataclass(frozen=True, slots=True)
class Options:
    """What a person may ask of the development server.

    Its processes run in the data folder: Celery looks for what it runs where it is started, too, and a folder of the
    person's may have an `apps`.
    """

    functions: Path
    """The folder with functions."""
    host: str = LOOPBACK
    """Where the web server listens: an address of this machine, or a name of one."""
    port: int = SDK_PORT
    app_port: int = 8290
    """Of the app that belongs to the examples."""
    data: Path = Path(".inngest")
    workers: Sequence[fleet.Workers] = WORKERS_BY_DEFAULT
    apps: fleet.Apps = APPS_BY_DEFAULT
    lines_max: int = 300
    """Lines that are printed in a second; what happens beyond it is counted. Errors are always printed."""


def run(options: Options) -> None:
    """Runs everything until Ctrl-C or SIGTERM. Raises CannotStart with what is in the way."""
    if not options.functions.is_dir():
        raise CannotStart(f"There is no folder {options.functions}; give one with functions.")
    for port in (options.port, options.app_port):
        if not 0 < port < 65_536:
            raise CannotStart(f"{port} is not a port, a whole number from 1 to 65535.")
    log = Log(sys.stdout)
    address = address_of(options.host, options.port)
    with locked(options.data) as folder, _interrupts() as let_force:
        record = folder / "children.json"
        for name in leftovers.stop_recorded(record):
            log.line("dev", f"stopped {name}, which a killed server had left running")
        if options.port == options.app_port:
            raise CannotStart(f"--port and --app-port are both {options.port}; each needs a port of its own.")
        _require_port(address)
        (folder / "address").write_text(f"{address.url}\n", encoding="utf-8")  # `inngest doctor` looks there
        supervisor = Supervisor(log, record)
        live = Live(log, options.lines_max)
        hearing = Hearing(folder, live.add)
        try:
            environment = _start_stores(supervisor, folder, log)
            _prepare(options, environment, log)
            _start_example_app(supervisor, options, environment, log)
            environment = {**environment, "DEV_SOCKET": str(hearing.path), "INNGEST_DEV_HOST": address.host}
            _start_fleet(supervisor, options, address, environment)
            wait_healthy(address.own_url, supervisor.look)
            # Apps answer by registering with the web server, so it comes first.
            supervisor.start(replace(fleet.apps(address.url, options.apps, environment), folder=folder), BEAT)
            log.block(banner(address, options.functions.absolute(), folder, coloured=log.coloured))
            supervisor.watch()
        except KeyboardInterrupt:
            log.gap()
            log.line("dev", "stopping; once more to force it")
        finally:
            let_force(supervisor)
            supervisor.stop()
            hearing.close()
            live.close()


def _start_stores(supervisor: Supervisor, folder: Path, log: Log) -> Mapping[str, str]:
    """PostgreSQL and Valkey, where the environment names none; the environment for the rest of the fleet."""
    if not os.environ.get("DATABASE_URL"):
        forget_variables()
    environment = {
        **os.environ,
        "INNGEST_DEV": "1",
        "DJANGO_SETTINGS_MODULE": "inngest_server.settings",
        "PYTHONPATH": os.pathsep.join(filter(None, [str(fleet.PROJECT), os.environ.get("PYTHONPATH")])),
        "PYTHONUNBUFFERED": "1",
        "SECRET_KEY": os.environ.get("SECRET_KEY") or secret_key(folder),
    }
    if cache := os.environ.get("INNGEST_CACHE_DIR"):
        environment["INNGEST_CACHE_DIR"] = str(Path(cache).absolute())  # the processes run in a folder of ours
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


def _prepare(options: Options, environment: Mapping[str, str], log: Log) -> None:
    """Migrates the database and loads the functions, in a process of its own: ours has no database."""
    command = fleet.manage("dev_prepare", str(options.functions.absolute()))
    program = fleet.Program("setup", command, environment, folder=options.data.absolute())
    process = program.spawn()
    assert process.stdout is not None
    copying = log.follow(program.name, process.stdout)
    code = process.wait()
    copying.join(_LAST_LINES_SECONDS)
    if code != 0:
        raise CannotStart("Preparing the database and the functions failed; the log above says why.")


def _start_fleet(supervisor: Supervisor, options: Options, address: Address, environment: Mapping[str, str]) -> None:
    folder = options.data.absolute()
    for worker in fleet.workers(options.workers, environment, _WORKER_GRACE_SECONDS):
        supervisor.start(replace(worker, folder=folder), WORKERS)
    supervisor.start(replace(fleet.web(address.port, environment, address.host), folder=folder), WEB)
    for program in (fleet.watcher(options.functions, environment), fleet.beat(environment)):
        supervisor.start(replace(program, folder=folder), BEAT)


def _start_example_app(supervisor: Supervisor, options: Options, environment: Mapping[str, str], log: Log) -> None:
    """The app that belongs to the examples, and to no other folder: a person's `app.py` is the person's to start."""
    script = options.functions.absolute() / "app.py"
    if not script.exists() or options.functions.resolve() != EXAMPLES.resolve():
        return
    if ports.is_free(options.app_port):
        supervisor.start(fleet.example_app(script, options.app_port, environment), APP)
    else:
        log.line("dev", f"{ports.in_use(options.app_port)}; {script} is not started (--app-port gives it another)")


def _require_port(address: Address) -> None:
    # What a killed server left lets go of the port in a moment.
    if not holds_within(2.0, lambda: ports.is_free(address.port, address), pause=0.1):
        raise CannotStart(f"{ports.in_use(address.port)}; stop it, or give another port with --port.")


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
