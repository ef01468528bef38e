"""A function's folder on disk: its files, the definition among them, as a version keeps them."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from apps.datastore.definition.documents import CUE, JSON, YAML
from apps.datastore.definition.faults import FaultLog, InvalidDefinition, shown

MIB = 1024 * 1024
MAX_PATH = 500
"""Characters."""
KEPT_DOT_FILES = {".dockerignore"}
"""It says what an image is built from, and is no secret."""
IGNORED_FOLDERS = {"node_modules", "__pycache__", "__MACOSX"}
_FOLDER_ICON = "Icon\r"
"""What macOS makes in a folder that has a picture of its own."""
# The last is a slip that is better answered than passed over.
DEFINITIONS = (JSON, YAML, CUE, "inngest.yml")


class FolderLimits(NamedTuple):
    """How much a function may be. The server's settings say; this package knows none."""

    files: int = 1_000
    total_bytes: int = 32 * MIB


DEFAULT_LIMITS = FolderLimits()


def find_functions(root: Path) -> list[Path]:
    """The folders in `root`, or it itself, that hold a definition. What lies inside a function is part of it."""
    found: list[Path] = []
    for folder, folders, names in os.walk(root):
        if set(DEFINITIONS).intersection(names):
            found.append(Path(folder))
            folders.clear()
        folders[:] = [name for name in folders if not is_ignored(name)]
    return sorted(found)


def read_files(path: Path, limits: FolderLimits = DEFAULT_LIMITS) -> dict[str, bytes]:
    """The folder's files by path, as in "steps/compose/index.ts"; the definition is one of them.

    Nothing is left out silently but dot-files (`.env` holds secrets; `.dockerignore` is kept) and installed packages.
    Raises InvalidDefinition, which names every file that cannot be part of a version, and why.
    """
    log = FaultLog()
    files: dict[str, bytes] = {}
    total = 0
    for name in _walk(path, log):
        problem = name_problem(name)
        if problem:
            log.add("", problem, shown(name))
            continue
        if len(files) == limits.files:
            log.add("", f"is one file too many; the limit is {limits.files}", name)
            break
        content = _read(path / name, name, log, limits.total_bytes - total)
        if content is None:
            continue
        total += len(content)
        if total > limits.total_bytes:
            log.add("", too_large(limits), name)
            break
        files[name] = content
    if log.faults:
        raise InvalidDefinition(log.faults)
    return files


def is_ignored(name: str) -> bool:
    """Whether a file or folder of this bare name is no part of a function."""
    return (name.startswith(".") and name not in KEPT_DOT_FILES) or name in IGNORED_FOLDERS or name == _FOLDER_ICON


def name_problem(path: str) -> str:
    """Why no file of a version can have this path; "" if it can."""
    if not path.isprintable():
        # Among them names that aren't UTF-8, which no JSON and no database would hold.
        return "has a name with control characters or broken Unicode"
    return f"has a path longer than {MAX_PATH} characters" if len(path) > MAX_PATH else ""


def too_large(limits: FolderLimits) -> str:
    return f"makes the function larger than {limits.total_bytes / MIB:,.4g} MiB"


def _walk(folder: Path, log: FaultLog) -> Iterator[str]:
    """The paths of what is in it, always in the same order, so that one content is always read alike."""
    todo = [folder]
    while todo:
        inner = todo.pop()
        try:
            entries = sorted(entry for entry in inner.iterdir() if not is_ignored(entry.name))
        except OSError as fault:
            # The folder itself is "": it may have gone while it was looked at.
            log.add("", f"cannot be read: {fault.strerror}", "" if inner == folder else _within(inner, folder))
            continue
        for entry in entries:
            if entry.is_dir() and not entry.is_symlink():
                todo.append(entry)
            else:
                yield entry.relative_to(folder).as_posix()


def _within(inner: Path, folder: Path) -> str:
    name = inner.relative_to(folder).as_posix()
    return name if name.isprintable() else shown(name)


def _read(file: Path, name: str, log: FaultLog, most: int) -> bytes | None:
    """Up to one byte more than `most`."""
    try:
        found = file.lstat()
        if stat.S_ISLNK(found.st_mode):
            # It could lead anywhere on this machine, and what it leads to would be deployed.
            log.add("", "is a symbolic link; put the file itself here", name)
        elif not stat.S_ISREG(found.st_mode):
            log.add("", "is not a file", name)
        else:
            # No link is followed even if it became one since, and nothing waits should it have become a pipe.
            handle = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
            with os.fdopen(handle, "rb") as opened:
                return opened.read(most + 1)
    except OSError as fault:
        log.add("", f"cannot be read: {fault.strerror}", name)
    return None
