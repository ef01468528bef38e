"""What is wrong with what a person would deploy: the place of each fault as seen from where they stand."""

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.text import Text

from apps.cli.printing import err, one_line
from apps.datastore.definition.faults import Fault

MAX_FAULTS = 200
"""That are printed; the others are counted."""
_INDENT = "    "


def print_faults(faults: Sequence[Text]) -> None:
    """To stderr, each on a line; one that is longer than the terminal is wide goes on below, indented."""
    console = err()
    more = len(faults) - MAX_FAULTS
    for fault in [*faults[:MAX_FAULTS], *([Text(f"and {more} more", "dim")] if more > 0 else [])]:
        first, *rest = fault.wrap(console, console.width - len(_INDENT))
        console.print(first)
        for line in rest:
            console.print(Text(_INDENT).append_text(line))


def local_faults(root: Path, faults: Iterable[Fault]) -> list[Text]:
    """Those of one file stand together, in the order of its lines."""
    ordered = sorted(faults, key=lambda fault: (fault.function, fault.file, fault.line or 0))
    return [local_fault(root, fault) for fault in ordered]


def local_fault(root: Path, fault: Fault) -> Text:
    """One that was found here; its function is a folder seen from `root`."""
    return _line(_seen_from_here(root, fault.function, fault.file), fault.line, fault.path, fault.message)


def server_fault(root: Path, fault: Mapping[str, Any]) -> Text:
    """One that the server found; its file is one of the archive."""
    place = fault.get("file") or fault.get("function") or ""
    return _line(
        _seen_from_here(root, place) if place else "", fault.get("line"), fault.get("path") or "", fault["message"]
    )


def _line(place: str, line: int | None, path: str, message: str) -> Text:
    """As compilers write it, so that a terminal or an editor can open the place: `shop/inngest.json:14: $.id: …`."""
    told = Text()
    if place:
        told.append(one_line(place) if line is None else f"{one_line(place)}:{line}", "bold").append(": ")
    if path:
        told.append(one_line(path), "cyan").append(": ")
    return told.append(one_line(message))


def _seen_from_here(root: Path, *inner: str) -> str:
    return os.path.relpath(os.path.join(root, *inner))  # noqa: PTH118 (a hostile path is shown, never opened)
