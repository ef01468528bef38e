"""Places in the function's folder, as a document names them: `file://./steps/compose`, `main.ts`."""

from posixpath import normpath

from apps.datastore.definition.faults import FaultLog
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
