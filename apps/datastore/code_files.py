"""Code on disk: what files hold, by digest, in a folder that the processes of a machine share.

Nothing here fails a step. What cannot be read is fetched from the database, what cannot be written is not kept; nothing
is locked, as a file appears whole, under its digest, and is checked whenever it is read.
"""

import errno
import hashlib
import logging
import os
import re
import shutil
import stat
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

log = logging.getLogger(__name__)

_BLOCK = 4096
"""A file takes at least so many bytes of a disk, so a bound on bytes bounds how many there are."""
_SHARE = 8
_UNFINISHED = ".new-"
_ABANDONED_SECONDS = 3600.0
_DIGEST = re.compile(r"[0-9a-f]{64}")


class CodeFiles:
    def __init__(self, folder: Path, max_bytes: Callable[[], int]) -> None:
        """`max_bytes` bounds what one process makes of the folder; each further one that writes at the same time may
        exceed it by an eighth."""
        self._folder = folder
        self._max_bytes = max_bytes
        self._unswept: int | None = None
        """What was written since this process looked what there is; None: it has not looked yet."""
        self._told = False

    def read(self, digest: str, size: int) -> bytes | None:
        """The content of this digest and of so many bytes; None if it is not here. Anything else in its place is
        removed."""
        if not _DIGEST.fullmatch(digest):  # what is at another path is none of ours to remove
            return None
        path = self._path(digest)
        try:
            content = _read(path, size)
        except FileNotFoundError:
            return None
        except (PermissionError, NotADirectoryError, _Foreign) as fault:
            self._remove(path, fault)
            return None
        except OSError as fault:
            self._tell(fault)
            return None
        if hashlib.sha256(content).hexdigest() != digest:
            self._remove(path, _Foreign("its content is not what its name says"))
            return None
        with suppress(OSError):  # the time of its last use, by which the oldest are found
            os.utime(path)
        return content

    def write(self, digest: str, content: bytes) -> None:
        """Keep it, whose digest this is, unless it is larger than an eighth of what may be here."""
        share = self._max_bytes() // _SHARE
        cost = _cost(len(content))
        if cost > share:
            return
        path = self._path(digest)
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            path.parent.mkdir(mode=0o700, exist_ok=True)
            _write(path, content)
        except OSError as fault:
            self._tell(fault)
            return
        self._unswept = None if self._unswept is None else self._unswept + cost
        if self._unswept is None or self._unswept >= share:
            self._sweep(7 * share)
            self._unswept = 0

    def _path(self, digest: str) -> Path:
        return self._folder / digest[:2] / digest

    def _sweep(self, leave: int) -> None:
        """Remove what was used least recently, until there are at most `leave` bytes, and what killed processes left
        unfinished."""
        found = sorted(self._kept())
        total = sum(cost for _, cost, _ in found)
        for _, cost, path in found:
            if total <= leave:
                break
            with suppress(OSError):  # another process was there first
                Path(path).unlink()
            total -= cost

    def _kept(self) -> Iterator[tuple[float, int, str]]:
        """When each was last used, what it takes, and where it is."""
        abandoned = time.time() - _ABANDONED_SECONDS
        for shard in _entries(self._folder):
            for entry in _entries(shard.path):
                with suppress(OSError):
                    found = entry.stat(follow_symlinks=False)
                    unfinished = entry.name.startswith(_UNFINISHED)
                    if unfinished and found.st_mtime < abandoned:
                        Path(entry.path).unlink()
                    elif stat.S_ISREG(found.st_mode) and not unfinished:
                        yield found.st_mtime, _cost(found.st_size), entry.path

    def _remove(self, path: Path, why: Exception) -> None:
        try:
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()
        except FileNotFoundError:  # another process was there first
            pass
        except OSError as fault:
            self._tell(fault)
        else:
            log.warning("%s was removed, and is fetched again: %s", path, why)

    def _tell(self, fault: OSError) -> None:
        """Once a process: a disk that is full for a day is no news at each step."""
        if not self._told:
            self._told = True
            log.warning("code cannot be kept on disk as it should, and is fetched from the database: %s", fault)


class _Foreign(Exception):
    """Something that we did not put there."""


def _read(path: Path, size: int) -> bytes:
    try:
        # Neither is a link followed nor a pipe waited for.
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as fault:
        if fault.errno in (errno.ELOOP, errno.ENXIO):
            raise _Foreign("it is no file") from None
        raise
    try:
        found = os.fstat(handle)
        if not stat.S_ISREG(found.st_mode):
            raise _Foreign("it is no file")
        if found.st_size != size:
            raise _Foreign(f"it has {found.st_size} bytes instead of {size}")
        with os.fdopen(handle, "rb", closefd=False) as file:
            return file.read(size)
    finally:
        os.close(handle)


def _write(path: Path, content: bytes) -> None:
    handle, temporary = tempfile.mkstemp(prefix=_UNFINISHED, dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        Path(temporary).replace(path)
    except BaseException:
        with suppress(OSError):
            Path(temporary).unlink()
        raise


def _entries(folder: Path | str) -> list["os.DirEntry[str]"]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError:  # not a folder, or gone
        return []


def _cost(size: int) -> int:
    return max(_BLOCK, -(-size // _BLOCK) * _BLOCK)
