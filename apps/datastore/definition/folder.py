"""A function's folder on disk: its document, and its source files as a version keeps them."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from apps.datastore.definition.documents import CUE, JSON, YAML, read_document
from apps.datastore.definition.faults import FaultLog, InvalidDefinition, shown

MAX_FILES = 1_000
MAX_FILE_BYTES = 1024 * 1024
MAX_TOTAL_BYTES = 8 * 1024 * 1024
IGNORED_FOLDERS = {"node_modules", "__pycache__"}
# The last is a slip that is better answered than passed over.
DEFINITIONS = (JSON, YAML, CUE, "inngest.yml")


class FolderContent(NamedTuple):
    document: object
    files: dict[str, str]
    """Text by path, as in "steps/compose/index.ts"; without the definition itself."""


def find_functions(root: Path) -> list[Path]:
    """The folders in `root`, or it itself, that hold a definition. What lies inside a function is part of it."""
    found: list[Path] = []
    for folder, folders, names in os.walk(root):
        if set(DEFINITIONS).intersection(names):
            found.append(Path(folder))
            folders.clear()
        folders[:] = [name for name in folders if not _is_ignored(name)]
    return sorted(found)


def read_folder(path: Path) -> FolderContent:
    """Read the folder; InvalidDefinition names every file that cannot be part of a version, and why.

    Nothing is left out silently but dot-files (`.env` holds secrets) and installed packages.
    """
    log = FaultLog()
    document = _read_definition(path, log)
    files: dict[str, str] = {}
    total = 0
    for file in _walk(path, log):
        name = file.relative_to(path).as_posix()
        if name in DEFINITIONS:
            continue
        if not name.isprintable():
            # Among them names that aren't UTF-8, which no JSON and no database would hold.
            log.add(shown(name), "has a name with control characters or broken Unicode")
            continue
        if len(files) == MAX_FILES:
            log.add(name, f"is one file too many; the limit is {MAX_FILES}")
            break
        text = _read_text(file, name, log)
        if text is None:
            continue
        total += len(text.encode())
        if total > MAX_TOTAL_BYTES:
            log.add(name, f"makes the folder larger than {MAX_TOTAL_BYTES // 1024 // 1024} MiB")
            break
        files[name] = text
    if log.faults:
        raise InvalidDefinition(log.faults)
    return FolderContent(document, files)


def _read_definition(folder: Path, log: FaultLog) -> object:
    names = [name for name in DEFINITIONS if (folder / name).is_file()]
    if not names:
        log.add("$", f"there is no {JSON} or {YAML} in {folder}")
        return None
    if JSON in names and YAML in names:
        log.add("$", f"the folder has both {JSON} and {YAML}; remove one")
        return None
    # With a JSON made from it beside it, inngest.cue is only the source of that.
    text = _read_text(folder / names[0], names[0], log)
    try:
        return None if text is None else read_document(text, names[0])
    except InvalidDefinition as invalid:
        for fault in invalid.faults:
            log.add(fault.path, fault.message)
        return None


def _walk(folder: Path, log: FaultLog) -> Iterator[Path]:
    """The files in it, always in the same order, so that one content is always read alike."""
    todo = [folder]
    while todo:
        inner = todo.pop()
        try:
            entries = sorted(entry for entry in inner.iterdir() if not _is_ignored(entry.name))
        except OSError as fault:
            log.add(inner.relative_to(folder).as_posix(), f"cannot be read: {fault.strerror}")
            continue
        for entry in entries:
            if entry.is_dir() and not entry.is_symlink():
                todo.append(entry)
            else:
                yield entry


def _read_text(file: Path, name: str, log: FaultLog) -> str | None:
    try:
        found = file.lstat()
        if stat.S_ISLNK(found.st_mode):
            # It could lead anywhere on this machine, and what it leads to would be deployed.
            log.add(name, "is a symbolic link; put the file itself here")
        elif not stat.S_ISREG(found.st_mode):
            log.add(name, "is not a file")
        elif found.st_size > MAX_FILE_BYTES:
            log.add(name, f"is larger than {MAX_FILE_BYTES // 1024 // 1024} MiB")
        elif name.endswith(".wasm"):
            log.add(name, "the wasm runtime is not yet supported")
        else:
            # Decoded here, not by read_text: line ends are part of what was deployed.
            text = file.read_bytes().decode("utf-8-sig")
            if "\0" not in text:
                return text
            log.add(name, "is not text; a version keeps only text files for now")
    except UnicodeDecodeError:
        log.add(name, "is not text (UTF-8); a version keeps only text files for now")
    except OSError as fault:
        log.add(name, f"cannot be read: {fault.strerror}")
    return None


def _is_ignored(name: str) -> bool:
    return name.startswith(".") or name in IGNORED_FOLDERS
