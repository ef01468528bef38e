"""The data folder `.inngest/`: one development server at a time, and what it keeps there."""

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from apps.devserver.faults import CannotStart


@contextmanager
def locked(folder: Path) -> Iterator[Path]:
    """Makes the data folder and holds it for ourselves; its absolute path. Raises CannotStart if another has it.

    The lock is the kernel's: it is gone with the process that held it, however that ended.
    """
    folder = folder.absolute()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        ignore = folder / ".gitignore"
        if not ignore.exists():
            ignore.write_text("*\n", encoding="ascii")
        file = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise CannotStart(f"The data folder {folder} cannot be used: {error.strerror}.") from None
    try:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(file, 100, 0).decode(errors="replace").strip()
            raise CannotStart(
                f"The data folder {folder} is in use by another development server"
                f"{f' (process {holder})' if holder else ''}; stop that one, or give another folder with --data."
            ) from None
        os.ftruncate(file, 0)
        os.pwrite(file, f"{os.getpid()}\n".encode(), 0)
        yield folder
    finally:
        os.close(file)


def secret_key(folder: Path) -> str:
    """Django's secret key for this folder: made once, and kept, so that what it signed stays valid."""
    file = folder / "secret-key"
    if not file.exists():
        partial = file.with_suffix(".partial")
        partial.touch(mode=0o600)
        partial.write_text(secrets.token_urlsafe(50), encoding="ascii")
        partial.replace(file)
    return file.read_text(encoding="ascii")
