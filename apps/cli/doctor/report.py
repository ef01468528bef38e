"""The findings on paper: a table for people, or JSON."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from textwrap import wrap
from typing import TYPE_CHECKING

from apps.cli.doctor.finding import Finding, Group, Level, count, one_of
from apps.cli.doctor.hiding import hide
from apps.cli.printing import lines, one_line, out, print_json

if TYPE_CHECKING:
    from rich.text import Text

_NARROW = 30
_TO_DO = " " * 4
_COMMANDS = ("celery ", "python ", "inngest ", "export ")
_MARKS: dict[Level, tuple[str, str]] = {
    "ok": ("✓", "green"),
    "warning": ("!", "yellow"),
    "fault": ("✗", "red"),
    "skipped": ("-", "dim"),
}


def without_secrets(groups: Iterable[Group], variables: Mapping[str, str]) -> list[Group]:
    return [
        Group(
            group.name,
            [
                Finding(one.level, one.name, hide(one.found, variables), hide(one.to_do, variables))
                for one in group.findings
            ],
        )
        for group in groups
    ]


def print_findings_as_json(groups: Sequence[Group]) -> None:
    checks = [{"group": group.name, **finding._asdict()} for group in groups for finding in group.findings]
    print_json({"ok": not count(groups, "fault"), "checks": checks})


def print_findings(groups: Sequence[Group]) -> None:
    from rich.text import Text

    width = max(len(finding.name) for group in groups for finding in group.findings)
    told_more = False
    for number, group in enumerate(groups):
        # Groups of one line stand together.
        if number and (told_more or len(group.findings) > 1):
            out().print()
        told_more = len(group.findings) > 1
        for finding in group.findings:
            for line in _lines(finding, width, out().width):
                out().print(line, soft_wrap=True)
    out().print(Text("\n").append(_sum(groups)), soft_wrap=True)


def _lines(finding: Finding, width: int, room: int) -> "Iterator[Text]":
    """What was found beside its name, and below it what to do."""
    from rich.text import Text

    mark, style = _MARKS[finding.level]
    indent = " " * (width + 6)
    found = wrap(one_line(finding.found), max(room - len(indent), _NARROW)) or [""]
    name = Text.assemble("  ", (mark, style), f" {one_line(finding.name):{width}}  ")
    yield name.append(found[0], "dim" if finding.level == "skipped" else "")
    yield from (Text(indent + more) for more in found[1:])
    for step in lines(finding.to_do).splitlines():
        # A command is left in one piece, for who copies it.
        whole = step.startswith(_COMMANDS)
        first, *rest = [step] if whole else wrap(step, max(room - len(_TO_DO) - 2, _NARROW)) or [""]
        yield Text.assemble(_TO_DO, ("→ ", style), first)
        yield from (Text(f"{_TO_DO}  {more}") for more in rest)


def _sum(groups: Sequence[Group]) -> "Text":
    from rich.text import Text

    faults, warnings = count(groups, "fault"), count(groups, "warning")
    told = [one_of(faults, "fault")] if faults else []
    told += [one_of(warnings, "warning")] if warnings else []
    if not told:
        return Text("Nothing is wrong.", "green")
    return Text(", ".join(told) + ".", "bold red" if faults else "yellow")
