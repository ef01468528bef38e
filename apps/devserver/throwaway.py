"""A server for one command: PostgreSQL, Valkey and a process with the whole engine, gone when the command ends.

Nothing of it is anybody else's: its data are a copy of an empty database in a folder of its own, it listens on no port,
and no variable of the person's that is a setting of a server reaches it.
"""

import ast
import fcntl
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import msgspec

from apps.devserver import fleet, leftovers
from apps.devserver.datafolder import locked
from apps.devserver.faults import CannotStart
from apps.devserver.hearing import Hearing
from apps.devserver.jobs import EVENTS, RESULTS, Job, Result, read_results, write_whole
from apps.devserver.live import Live
from apps.devserver.output import Log
from apps.devserver.postgres import Postgres, forget_variables
from apps.devserver.processes import Process, has_ended, how_it_ended, launch, stop
from apps.devserver.templates import remove, template
from apps.devserver.valkey import Valkey
from apps.state.told import Sleeping, Told, Waiting
from drivers.cache_folder import private_folder

_KEPT = (
    "STEP_",
    "DOCKER_",
    "WASM_",
    "CODE_",
    "CPU_SLOTS",
    "INNGEST_CACHE_DIR",
    "LOG_LEVEL",
    "PRIVATE_NETWORKS",
    "RETRY_SCALE",
)
"""How the settings begin that say how steps are run; the others are of a server."""
_OF_OTHERS = ("CELERY_", "PG")
"""How the variables begin that Celery and libpq take before what they are told: they would lead to other servers."""
_OF_POSTGRES = {
    # Nobody ever reads these data again.
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "shared_buffers": "64MB",
    "max_connections": "60",
}
_CONNECTIONS = "24"
"""Of the one process: each of its threads keeps one."""
_GRACE_SECONDS = 6.0
_LOOK_SECONDS = 0.02
_LAST_LINES_SECONDS = 2.0
_LINES_MAX = 1_000
_LONG_SECONDS = 10.0
_HINT_SECONDS = 0.3
"""After which it is said what there is to be done: the line about the wait itself is printed by then."""
_RUNNING = "running-"
_SWEPT_SECONDS = 60.0
"""After which a folder that nobody holds is one that was left, and not one that is being made."""
_MAKING = "making a database to copy from; this is done once and takes some seconds"


def run_function(folder: Path, jobs: Callable[[], Sequence[Job]], log: Log) -> list[Result]:
    """Run the function in `folder` on events, and print what happens; what became of each, in their order.

    `jobs` is called while the server starts. Raises CannotStart, and KeyboardInterrupt by Ctrl-C and SIGTERM, when
    everything has ended. To be called from the main thread.
    """
    cache = private_folder("run")
    with ExitStack() as stack:
        stack.enter_context(_interrupts())
        if cache is None:
            cache = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="inngest-run-")))
        else:
            _sweep(cache)
        environment = engine_environment()
        forget_variables()
        data = template(cache, environment, lambda: log.line("run", _MAKING))
        work = stack.enter_context(_folder(cache))
        live = Live(log, _LINES_MAX)
        stack.callback(live.close)
        server = _Server(work, log)

        def hear(told: list[Told]) -> None:
            live.add(told)
            if any(map(_is_long, told)):
                server.waits_since = server.waits_since or time.monotonic()

        hearing = Hearing(work, hear)
        stack.callback(hearing.close)
        stack.callback(server.stop)
        server.start(folder, data, {**environment, "DEV_SOCKET": str(hearing.path)})
        write_whole(work / EVENTS, msgspec.json.encode(list(jobs())))
        server.wait()
        return read_results(work / RESULTS)


class _Server:
    """The three processes."""

    def __init__(self, work: Path, log: Log) -> None:
        self._work = work
        self._log = log
        self._postgres = Postgres(work / "postgres", settings=_OF_POSTGRES)
        self._valkey = Valkey(work / "valkey")
        self._running: dict[str, tuple[Process, signal.Signals]] = {}
        self.waits_since: float | None = None
        """When a run first began to wait for something that takes long, by the monotonic clock."""

    def start(self, folder: Path, data: Path, environment: Mapping[str, str]) -> None:
        """All three at once: the engine waits for the others when it is ready itself."""
        command = fleet.manage("run_function", str(folder.absolute()), str(self._work))
        stores = {"DATABASE_URL": self._postgres.url, "BROKER_URL": self._valkey.url}
        engine = launch(
            command, environment={**environment, **stores}, output=-1, on_orphan=signal.SIGTERM, folder=self._work
        )
        assert engine.stdout is not None
        self._add("the engine", engine, signal.SIGTERM)
        self._copying = self._log.follow("run", engine.stdout)
        self._add("valkey", self._valkey.spawn(), signal.SIGTERM)
        self._postgres.begin_with(data)
        # "Immediate": it writes nothing out any more, and gives its shared memory back.
        self._add("postgres", self._postgres.spawn(), signal.SIGQUIT)

    def wait(self) -> None:
        """Until the engine has ended well. Raises CannotStart if it has not, or if another ends before it."""
        engine, _ = self._running["the engine"]
        is_told = False
        while not has_ended(engine):
            if not is_told and self.waits_since and time.monotonic() > self.waits_since + _HINT_SECONDS:
                is_told = True
                self._log.line("run", "no other event comes in here: it goes on when its time is over; Ctrl-C ends it")
            for name, (process, _) in self._running.items():
                if process is not engine and has_ended(process):
                    raise CannotStart(f"{name} ended unexpectedly ({how_it_ended(process)})")
            time.sleep(_LOOK_SECONDS)
        if engine.returncode != 0:
            self._copying.join(_LAST_LINES_SECONDS)
            raise CannotStart(f"the run ended unexpectedly ({how_it_ended(engine)}); the lines above say why")

    def stop(self) -> None:
        for process, number in self._running.values():
            stop(process, number, _GRACE_SECONDS)
        if self._running:
            self._copying.join(_LAST_LINES_SECONDS)

    def _add(self, name: str, process: Process, number: signal.Signals) -> None:
        self._running[name] = process, number
        leftovers.record(
            (leftovers.Child(key, one.pid, how, _GRACE_SECONDS) for key, (one, how) in self._running.items()),
            self._work / "children.json",
        )


def _is_long(told: Told) -> bool:
    return isinstance(told, Waiting) or (isinstance(told, Sleeping) and told.until - told.at > _LONG_SECONDS)


def engine_environment() -> dict[str, str]:
    """The person's variables without those that are of a server, and what the engine needs besides."""
    settings = _settings()
    mine = {
        name: value
        for name, value in os.environ.items()
        if name.startswith(_KEPT) or not (name in settings or name.startswith(_OF_OTHERS))
    }
    if cache := mine.get("INNGEST_CACHE_DIR"):
        mine["INNGEST_CACHE_DIR"] = str(Path(cache).absolute())
    return {
        **mine,
        "INNGEST_DEV": "1",
        "DJANGO_SETTINGS_MODULE": "inngest_server.settings",
        "PYTHONPATH": os.pathsep.join(filter(None, [str(fleet.PROJECT), os.environ.get("PYTHONPATH")])),
        "PYTHONUNBUFFERED": "1",
        "DATABASE_URL": "postgresql://nowhere",
        "DATABASE_POOL_SIZE": _CONNECTIONS,
        "DEV_TOLD_MAX": "100000",
        "CELERY_SKIP_CHECKS": "1",  # Django's, of the REST API among other things: most of a second
    }


def _settings() -> set[str]:
    """The names of all settings. Their file is read by itself: its package begins with Celery, for half a second."""
    file = fleet.PROJECT / "inngest_server" / "environment.py"
    calls = (node for node in ast.walk(ast.parse(file.read_bytes())) if isinstance(node, ast.Call))
    names = (call.args[0] for call in calls if isinstance(call.func, ast.Name) and call.func.id == "Setting")
    return {str(name.value) for name in names if isinstance(name, ast.Constant)}


@contextmanager
def _folder(cache: Path) -> Iterator[Path]:
    """Of this command alone. Who is killed leaves it to the next."""
    folder = Path(tempfile.mkdtemp(prefix=_RUNNING, dir=cache))
    try:
        with locked(folder):
            yield folder
    finally:
        _remove(folder)


def _sweep(cache: Path) -> None:
    """What killed commands have left."""
    for folder in cache.glob(f"{_RUNNING}*"):
        with suppress(OSError):
            if folder.stat().st_mtime > time.time() - _SWEPT_SECONDS:
                continue
            file = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                leftovers.stop_recorded(folder / "children.json")
                _remove(folder)
            finally:
                os.close(file)


def _remove(folder: Path) -> None:
    remove(folder / "postgres")
    shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _interrupts() -> Iterator[None]:
    """SIGTERM and a closed terminal are as good as Ctrl-C; once one has come, no other interrupts the end."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def interrupt(*_: object) -> None:
        for number in numbers:
            signal.signal(number, signal.SIG_IGN)
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
