"""Everything that is printed: data to stdout, notes and errors to stderr. rich takes 100 ms to import, so it waits."""

import os
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING

from apps.cli.json_text import encode

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

_UNCUT = 10_000
"""Width off a terminal, for what would fit itself to it."""
_STEERING = dict.fromkeys(
    (*range(32), *range(127, 160), 0x2028, 0x2029, *range(0x202A, 0x202F), *range(0x2066, 0x206A)), "\ufffd"
)
"""Control characters, and those that turn the direction of writing: nobody's text may steer the terminal."""
_STEERING_LINES = {code: mark for code, mark in _STEERING.items() if code not in {9, 10}}

STATUS_STYLES = {
    "Completed": "green",
    "Failed": "red",
    "Cancelled": "yellow",
    "Running": "cyan",
    "Retrying": "yellow",
    "Queued": "blue",
    "Sleeping": "magenta",
    "Waiting": "magenta",
    "Pending": "dim",
    "Skipped": "dim",
}
"""Of runs and steps, by what the API calls their status or phase."""


@cache
def out() -> "Console":
    return _console(stderr=False)


@cache
def err() -> "Console":
    return _console(stderr=True)


def _console(stderr: bool) -> "Console":
    from rich.console import Console

    console = Console(stderr=stderr, markup=False, highlight=False, emoji=False)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = _UNCUT
    return console


def is_cut() -> bool:
    """Whether stdout has an edge. What is piped on has none: it is neither cut nor folded."""
    return out().is_terminal or "COLUMNS" in os.environ


def note(text: str) -> None:
    """A remark about what is going on: to stderr, so that stdout holds data alone."""
    err().print(text, style="dim", soft_wrap=True)


def print_json(value: object, indent: int = 2) -> None:
    """One JSON document on stdout, on one line with `indent` 0. `bytes` are JSON text, printed with its own numbers."""
    sys.stdout.flush()
    sys.stdout.buffer.write(encode(value, indent).encode(errors="backslashreplace") + b"\n")
    sys.stdout.buffer.flush()


def fields(pairs: "Mapping[str, str | Text]") -> None:
    """Prints names and values below each other; those without a value are left out."""
    from rich.text import Text

    width = max(map(len, pairs), default=0)
    for name, value in pairs.items():
        if value:
            hanging(Text(f"{name:<{width}}  ", style="dim"), Text(one_line(value)) if isinstance(value, str) else value)


def hanging(head: "Text", rest: "Text") -> None:
    """Prints a line; where it is too long for the terminal, it goes on below the beginning of `rest`."""
    if not is_cut():
        out().print(head + rest, soft_wrap=True)
        return
    from rich.table import Table

    grid = Table.grid(padding=0)
    grid.add_column(no_wrap=True, min_width=head.cell_len)
    grid.add_column(overflow="fold")
    grid.add_row(head, rest)
    out().print(grid)


def print_cut(text: "Text") -> None:
    """A line, as much of it as a terminal has room for."""
    if is_cut():
        out().print(text, no_wrap=True, overflow="ellipsis", crop=True)
    else:
        out().print(text, soft_wrap=True)


def status_text(status: str) -> "Text":
    from rich.text import Text

    return Text(one_line(status), style=STATUS_STYLES.get(status, ""))


def one_line(text: str, most: int | None = None) -> str:
    """Text of others on one line: no control characters, no line breaks, cut after `most` characters."""
    shown = " ".join(text.split()).translate(_STEERING)
    return shown if most is None or len(shown) <= most else f"{shown[: most - 1]}…"


def excerpt(text: str, most: int) -> str:
    """Text of others on one line, cut after `most` characters where stdout has an edge."""
    return one_line(text, most if is_cut() else None)


def lines(text: str) -> str:
    """Text of others on as many lines as it has, without what would steer the terminal."""
    return text.replace("\r\n", "\n").translate(_STEERING_LINES).expandtabs(4)


def ago(moment: str | datetime | None, now: datetime | None = None) -> str:
    """How long ago in the largest unit that fits: `3s`, `5m`, `2h`, `4d` ago, later the date; a dash for never."""
    if moment is None:
        return "-"
    then = as_time(moment)
    seconds = ((now or datetime.now(UTC)) - then).total_seconds()
    if seconds < 1:
        return "now" if seconds > -5 else f"in {_span(-seconds)}"
    return f"{_span(seconds)} ago" if seconds < 30 * 86_400 else then.astimezone().strftime("%Y-%m-%d")


def _span(seconds: float) -> str:
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "m")):
        if seconds >= size:
            return f"{int(seconds // size)}{unit}"
    return f"{int(seconds)}s"


def duration(begin: str | datetime | None, end: str | datetime | None) -> str:
    """`12ms`, `3.4s`, `5m 02s`, `3h 12m`, `4d 6h`; empty where one of the two is missing."""
    if begin is None or end is None:
        return ""
    seconds = max((as_time(end) - as_time(begin)).total_seconds(), 0.0)
    if seconds < 1:
        return f"{seconds * 1000:.0f}ms"
    if seconds < 60:
        return f"{seconds:.1f}s"
    if seconds < 3_600:
        return f"{int(seconds // 60)}m {int(seconds % 60):02}s"
    if seconds < 86_400:
        return f"{int(seconds // 3_600)}h {int(seconds % 3_600 // 60):02}m"
    return f"{int(seconds // 86_400)}d {int(seconds % 86_400 // 3_600)}h"


def clock(moment: str) -> str:
    """When it was, by the person's clock."""
    return as_time(moment).astimezone().strftime("%H:%M:%S")


def as_time(moment: str | datetime) -> datetime:
    return datetime.fromisoformat(moment) if isinstance(moment, str) else moment
