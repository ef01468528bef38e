"""Telling when files of functions change, without watching what is installed beside them (`node_modules`)."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

from watchfiles import watch

from apps.datastore.definition import is_ignored

_LOOK_MS = 100
_QUIET_MS = 50
_LONGEST_MS = 300
_GONE_SECONDS = 0.2


def changes(root: Path) -> Iterator[None]:
    """Yields once when it has begun to watch, then when files below `root`, or its folders, have changed. Never ends.

    Saves at once are one change: those that follow each other within 50 ms, for 300 ms at most.
    """
    again = True
    while True:
        folders = watched_folders(root)
        try:
            if not folders:
                raise FileNotFoundError(root)
            for changed in watch(
                *folders,
                recursive=False,
                raise_interrupt=False,
                yield_on_timeout=True,
                rust_timeout=_LOOK_MS,
                step=_QUIET_MS,
                debounce=_LONGEST_MS,
            ):
                if changed and watched_folders(root) != folders:
                    break
                # After folders came or went, what changed before the new ones were watched is not missed.
                if changed or again:
                    again = False
                    yield
            again = True
        except (FileNotFoundError, NotADirectoryError):  # a folder went while we looked, or there is none
            if again and not root.is_dir():
                again = False
                yield
            while not root.is_dir():
                time.sleep(_GONE_SECONDS)
            again = True


def watched_folders(root: Path) -> list[Path]:
    """`root` and the folders below it that may hold a function's files."""
    found: list[Path] = []
    for folder, folders, _ in os.walk(root):
        found.append(Path(folder))
        folders[:] = [name for name in folders if not is_ignored(name)]
    return sorted(found)
