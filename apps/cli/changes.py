"""What a deploy, a rollback or an archiving has changed, function by function, for a person."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.cells import cell_len, set_cell_size
from rich.text import Text

from apps.cli.printing import is_cut, one_line

MAX_FILES = 20
"""Of a function; the rest is counted."""
MAX_UNCHANGED = 10
"""Functions; more are only counted."""
_MAX_NAME = 40

_MARKS = {
    "new": ("+", "green"),
    "changed": ("~", "yellow"),
    "restored": ("↺", "cyan"),
    "archived": ("-", "red"),
    "unchanged": ("·", "dim"),
}
_COUNTED = ("changed", "new", "made live", "archived", "unchanged")
_FILE_MARKS = {"added": ("+", "green"), "changed": ("~", "yellow"), "removed": ("-", "red")}


def change_lines(functions: Sequence[Mapping[str, Any]]) -> Iterator[Text]:
    """A line for each function of an answer, and below it its files; those that are unchanged come last."""
    kept = [function for function in functions if function["change"] != "unchanged"]
    unchanged = [function for function in functions if function["change"] == "unchanged"]
    shown = kept + (unchanged if len(unchanged) <= MAX_UNCHANGED else [])
    name_width = max((cell_len(_name(function)) for function in shown), default=0)
    version_width = max((cell_len(_versions(function)) for function in shown), default=0)
    for function in shown:
        yield _function_line(function, name_width, version_width)
        if function["change"] in ("changed", "restored") and function["was"] is not None:
            yield from _file_lines(function)
    if len(shown) < len(functions):
        yield Text(f"  · {len(unchanged)} more unchanged", "dim")


def count_kinds(functions: Sequence[Mapping[str, Any]]) -> str:
    """What became of how many: `2 changed, 1 new, 3 unchanged`."""
    counts = Counter(map(_word, functions))
    ordered = sorted(counts, key=lambda word: _COUNTED.index(word) if word in _COUNTED else len(_COUNTED))
    return ", ".join(f"{counts[word]} {word}" for word in ordered)


def _function_line(function: Mapping[str, Any], name_width: int, version_width: int) -> Text:
    mark, style = _MARKS.get(function["change"], ("?", ""))
    quiet = style == "dim"
    line = Text("  ")
    line.append(f"{mark} ", style)
    line.append(set_cell_size(_name(function), name_width), style if quiet else "bold")
    line.append("   ")
    line.append(set_cell_size(_versions(function), version_width), style if quiet else "")
    line.append("   ")
    line.append(_became(function), style)
    return line


def _name(function: Mapping[str, Any]) -> str:
    name = one_line(function["function_id"])
    return name if cell_len(name) <= _MAX_NAME or not is_cut() else set_cell_size(name, _MAX_NAME - 1) + "…"


def _word(function: Mapping[str, Any]) -> str:
    # Not `restored`: a version that was stored with --no-live is in its place for the first time.
    return "made live" if function["change"] == "restored" else one_line(function["change"])


def _versions(function: Mapping[str, Any]) -> str:
    version, was = function["version"], function["was"]
    if function["change"] == "archived" or version is None:
        return f"v{was}" if was is not None else ""
    if was is None or was == version or function["change"] == "unchanged":
        return f"v{version}"
    return f"v{was} → v{version}"


def _became(function: Mapping[str, Any]) -> str:
    kind, said = function["change"], _word(function)
    count = len(function["files"]["added"]) if kind == "new" else 0
    if count:
        said += f", {count} {'file' if count == 1 else 'files'}"
    if kind in ("new", "changed") and not function["live"]:
        return f"{said}, not live"
    return f"{said}, nothing was live" if kind == "changed" and function["was"] is None else said


def _file_lines(function: Mapping[str, Any]) -> Iterator[Text]:
    if function["definition_changed"]:
        yield _file_line("changed", "the definition")
    entries = [(path, kind) for kind in _FILE_MARKS for path in function["files"].get(kind, [])]
    for path, kind in sorted(entries)[:MAX_FILES]:
        yield _file_line(kind, path)
    if len(entries) > MAX_FILES:
        yield Text(f"      and {len(entries) - MAX_FILES} more files", "dim")


def _file_line(kind: str, path: str) -> Text:
    mark, style = _FILE_MARKS[kind]
    return Text("      ").append(f"{mark} ", style).append(one_line(path))
