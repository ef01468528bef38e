"""Telling when files of functions change, without watching what is installed beside them (`node_modules`)."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

from watchfiles import watch

from apps.datastore.definition.folder import IGNORED_FOLDERS

_LOOK_MS = 500
_GONE_SECONDS = 0.5


def changes(root: Path) -> Iterator[None]:
    """Yields when a file below `root` has changed, and once when its folders have: never ends."""
    again = False
    while True:
        folders = watched_folders(root)
        try:
            for changed in watch(
                *folders, recursive=False, raise_interrupt=False, yield_on_timeout=True, rust_timeout=_LOOK_MS
            ):
                if changed and watched_folders(root) != folders:
                    break
                # After folders came or went, what changed before the new ones were watched is not missed.
                if changed or again:
                    again = False
                    yield
            again = True
        except FileNotFoundError:  # a folder went while we looked
            again = True
            time.sleep(_GONE_SECONDS)


def watched_folders(root: Path) -> list[Path]:
    """`root` and the folders below it that may hold a function's files."""
    found: list[Path] = []
    for folder, folders, _ in os.walk(root):
        found.append(Path(folder))
        folders[:] = [name for name in folders if not name.startswith(".") and name not in IGNORED_FOLDERS]
    return sorted(found)
