"""What a check says: what it looked at, what it found there, and what to do if that is a fault."""

from collections.abc import Iterable
from typing import Literal, NamedTuple

Level = Literal["ok", "warning", "fault", "skipped"]


class Finding(NamedTuple):
    level: Level
    name: str
    found: str
    to_do: str = ""
    """One thing a line."""


class Group(NamedTuple):
    """The findings of one check."""

    name: str
    findings: list[Finding]


def ok(name: str, found: str) -> Finding:
    return Finding("ok", name, found)


def warning(name: str, found: str, to_do: str) -> Finding:
    return Finding("warning", name, found, to_do)


def fault(name: str, found: str, to_do: str) -> Finding:
    return Finding("fault", name, found, to_do)


def skipped(name: str, why: str) -> Finding:
    return Finding("skipped", name, why)


def count(groups: Iterable[Group], level: Level) -> int:
    return sum(finding.level == level for group in groups for finding in group.findings)


def one_of(number: int, what: str, many: str = "") -> str:
    """`1 event`, `3 events`."""
    return f"{number:,} {what if number == 1 else many or f'{what}s'}"
