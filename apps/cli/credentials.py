"""The credentials file: for each server, a token for each environment that somebody logged in to."""

import os
import stat
import tempfile
from pathlib import Path

import msgspec

from apps.cli.problems import Problem

CONFIG_DIR = "INNGEST_CONFIG_DIR"
_FILE = "credentials.json"


class Login(msgspec.Struct, omit_defaults=True):
    """One token of a server. A dev server asks for none."""

    token: str | None = None
    scope: str = ""


class KnownServer(msgspec.Struct):
    current: str
    """The environment that commands are for unless `--env` names another."""
    environments: dict[str, Login] = {}


class Credentials(msgspec.Struct):
    current: str | None = None
    """The URL of the server that commands go to."""
    servers: dict[str, KnownServer] = {}


def path_of_credentials() -> Path:
    folder = os.environ.get(CONFIG_DIR)
    if folder:
        return Path(folder).expanduser() / _FILE
    import platformdirs

    return Path(platformdirs.user_config_dir("inngest-server")) / _FILE


def read_credentials() -> Credentials:
    """What is stored; nothing, if nobody has logged in. Raises Problem if it cannot be read or others can read it."""
    path = path_of_credentials()
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            content = file.read()
    except FileNotFoundError:
        return Credentials()
    except OSError as error:
        raise Problem(f"{path} cannot be read: {error.strerror}", f"{CONFIG_DIR} names another folder for it") from None
    if os.name == "posix" and stat.S_IMODE(mode) & 0o077:
        raise Problem(f"{path} holds tokens, and other users of this machine may read it", f"chmod 600 {path}")
    try:
        return msgspec.json.decode(content, type=Credentials)
    except msgspec.MsgspecError as error:
        raise Problem(f"{path} is damaged: {error}", f"delete it and log in again: rm {path}; inngest login") from None


def write_credentials(credentials: Credentials) -> None:
    """Puts it in the place of what was there, in one move, readable by its owner alone. Raises Problem."""
    path = path_of_credentials()
    try:
        _write(path, msgspec.json.format(msgspec.json.encode(credentials), indent=2) + b"\n")
    except OSError as error:
        where = error.filename or path
        raise Problem(f"{where} cannot be written: {error.strerror}", f"{CONFIG_DIR} names another folder") from None


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.parent.chmod(0o700)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{_FILE}.")  # created with 0600
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
