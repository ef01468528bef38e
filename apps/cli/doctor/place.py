"""Where doctor looks: at the server that the environment names, or at the dev server that runs in this folder."""

import fcntl
import os
from collections.abc import MutableMapping
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

DATA = ".inngest"
ADDRESS = "address"
"""File in it: the URL of the dev server that runs."""
NOT_HERE = "not on a server: DATABASE_URL is not set"
_SOCKET_LINE = 4
"""Of PostgreSQL's pid file: the folder of its socket."""


class Place(NamedTuple):
    missing: str = ""
    """Why there is no server to look at; empty if there is one."""
    dev_server: bool = False
    """It is the dev server of this folder, which starts and stops its own processes."""

    url: str = ""
    """Of a dev server that runs in this folder."""

    def start(self, command: str) -> str:
        """What to do about a process that is not there."""
        return "stop the dev server and start it again" if self.dev_server else command


def find_place(variables: MutableMapping[str, str], folder: Path) -> Place:
    """Names a running dev server's database, broker and secret key in `variables`, if they name none themselves."""
    if variables.get("DATABASE_URL"):
        return Place()
    data = folder / DATA
    if not data.is_dir():
        return Place(NOT_HERE)
    if not _is_locked(data / "lock"):
        return Place(f"{NOT_HERE}, and the dev server of {DATA} does not run")
    url = _url_in(data)
    database = _postgres_of(data / "postgres")
    if database is None:
        return Place(f"{NOT_HERE}, and the dev server of {DATA} has a database elsewhere", url=url)
    own = {"INNGEST_DEV": "1", "DATABASE_URL": database, **_broker_and_key(data)}
    for name, value in own.items():
        if not variables.get(name):
            variables[name] = value
    return Place(dev_server=True, url=url)


def _is_locked(lock: Path) -> bool:
    try:
        file = os.open(lock, os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(file)
    return False


def _url_in(data: Path) -> str:
    """Where the dev server with this data folder says that it listens; empty if it says nothing."""
    try:
        return (data / ADDRESS).read_text(encoding="utf-8").strip()
    except OSError:
        return ""


def _postgres_of(folder: Path) -> str | None:
    """The address of the server with its data in `folder`, by what it has written down itself."""
    try:
        lines = (folder / "data" / "postmaster.pid").read_text(encoding="utf-8").splitlines()
        return f"postgresql://inngest@/inngest?host={quote(lines[_SOCKET_LINE], safe='')}"
    except (OSError, IndexError):
        return None


def _broker_and_key(data: Path) -> dict[str, str]:
    from apps.devserver.datafolder import secret_key
    from apps.devserver.faults import CannotStart
    from apps.devserver.valkey import Valkey

    found: dict[str, str] = {}
    if (data / "secret-key").exists():
        found["SECRET_KEY"] = secret_key(data)
    if (data / "valkey").is_dir():
        try:
            found["BROKER_URL"] = Valkey(data / "valkey").url
        except CannotStart:
            return found
    return found
