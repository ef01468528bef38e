"""Places in the function's folder, as a document names them: `file://./steps/compose`, `main.ts`."""

from collections.abc import Collection
from posixpath import normpath, relpath
from typing import NamedTuple

from apps.datastore.definition.faults import FaultLog, shown
from apps.datastore.definition.values import check_text

MAX_LENGTH = 500
PREFIX = "file://."


def parse_folder(value: object, path: str, log: FaultLog) -> str | None:
    """The step's folder relative to the function's, "" for that itself."""
    text = check_text(value, path, log, MAX_LENGTH, one_line=True)
    if text is None:
        return None
    if text != PREFIX and not text.startswith(PREFIX + "/"):
        log.add(path, "must be a folder written as file://./folder")
        return None
    return within("", text.removeprefix("file://"), path, log)


def within(folder: str, relative: str, path: str, log: FaultLog) -> str | None:
    """`relative`, seen from `folder`, as a path from the function's folder; a fault if it leads out of it."""
    if "\\" in relative:
        log.add(path, 'must have "/" between folders, not "\\"')
        return None
    place = normpath(f"./{folder}/{relative}")
    # normpath leaves ".." only in front, where it means that the path climbs above the start.
    if relative.startswith("/") or place == ".." or place.startswith("../"):
        log.add(path, "must be inside the function's folder")
        return None
    return "" if place == "." else place


class StepFolder(NamedTuple):
    """Where a step's code lies."""

    path: str | None
    """Seen from the function's folder; None where the document's is wrong, which is in the log then."""
    files: Collection[str]
    """All of the function's, seen from its folder."""

    def __str__(self) -> str:
        return f"the folder {shown(self.path)}" if self.path else "the function's folder"


def file_in(folder: StepFolder, relative: str, path: str, log: FaultLog, hint: str = "") -> str | None:
    """The path of a file that has to be there, seen from the step's folder. `hint` follows "there is no …"."""
    place = None if folder.path is None else within(folder.path, relative, path, log)
    if place is None:
        return None
    if place not in folder.files:
        log.add(path, f"there is no {shown(relative)} in {folder}{hint}")
        return None
    return relpath(place, folder.path or ".")


def named_file(
    value: object, path: str, log: FaultLog, folder: StepFolder, endings: tuple[str, ...], *, hint: str = ""
) -> str | None:
    """The same for what a document says: a text with one of these endings."""
    text = check_text(value, path, log, MAX_LENGTH, one_line=True)
    if text is None:
        return None
    if not text.endswith(endings):
        log.add(path, f"must be a file that ends in {', '.join(endings)}")
        return None
    return file_in(folder, text, path, log, hint)
