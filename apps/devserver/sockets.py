"""Folders for unix sockets: private to the user, and short enough."""

import hashlib
import os
import stat
import tempfile
from pathlib import Path

from apps.devserver.faults import CannotStart

# sockaddr_un holds 108 bytes on Linux and 104 on macOS, with the closing zero.
_LONGEST_PATH = 103


def private_folder(folder: Path, socket_name: str, owner: int | None = None) -> Path:
    """A folder for one user alone (0700), for the socket `socket_name` of the service with its data in `folder`.

    The user is `owner`, by default we. The folder is `folder/run`, or, if that makes too long a path, one under the
    system's temporary folder whose name follows from `folder`. Raises CannotStart if that belongs to somebody else.
    """
    owner = os.geteuid() if owner is None else owner
    preferred = folder / "run"
    if _fits(preferred, socket_name):
        return _made(preferred, owner)
    digest = hashlib.sha256(os.fsencode(folder.resolve())).hexdigest()[:16]
    for base in (Path(tempfile.gettempdir()), Path("/tmp")):  # noqa: S108 - checked to be ours and private below
        place = base / f"inngest-{owner}-{digest}"
        if _fits(place, socket_name):
            return _made(place, owner)
    raise CannotStart(f"No folder with a path short enough for a socket was found; {folder} is too long.")


def _fits(folder: Path, socket_name: str) -> bool:
    return len(os.fsencode(folder / socket_name)) <= _LONGEST_PATH


def _made(folder: Path, owner: int) -> Path:
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        pass
    else:
        if owner != os.geteuid():
            os.chown(folder, owner, -1)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid not in {owner, os.geteuid()}:
        raise CannotStart(f"{folder}, where a socket should go, belongs to somebody else.")
    os.chown(folder, owner, -1)
    folder.chmod(0o700)
    return folder
