"""The end of a deploy, and of everything that moves what is live: what has changed, one line about it, what is next."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from apps.cli.changes import change_lines, count_kinds
from apps.cli.hints import command, hint
from apps.cli.printing import ago, err, one_line, out

MAX_HINTS = 5


def tell_deployed(data: Mapping[str, Any], folder: Path, env: str | None, seconds: float, live: bool) -> None:
    """After `inngest deploy`. `seconds` are those that the person waited."""
    functions, deploy = data["functions"], data["deploy"]
    _print_changes(functions, out())
    counts = count_kinds(functions)
    again = ["deploy", *([] if folder == Path() else [str(folder)])]
    if data["dry_run"] and any(one["change"] != "unchanged" for one in functions):
        _summary(counts, "this was a dry run, and nothing was deployed")
        hint("Deploy it", command(*again, *([] if live else ["--no-live"]), env=env))
    elif deploy is None:
        _summary(counts, "nothing to deploy")
    elif live:
        _summary(counts, f"deploy {deploy['number']} is live in {seconds:.1f} s", "green")
        hint("Undo it", command("rollback", "--deploy", str(deploy["number"]), env=env))
    else:
        _summary(counts, f"deploy {deploy['number']} is stored in {seconds:.1f} s, and not live")
        waiting = [one for one in functions if not one["live"] and one["version"] is not None]
        told = [command("live", one["function_id"], str(one["version"]), env=env) for one in waiting[:MAX_HINTS]]
        more = f" (and so for {len(waiting) - MAX_HINTS} more)" if len(waiting) > MAX_HINTS else ""
        hint(f"Make it live{more}", *told)


def tell_moved(data: Mapping[str, Any], seconds: float, env: str | None) -> None:
    """After a rollback, making a version live, or archiving."""
    functions, deploy = data["functions"], data["deploy"]
    if functions:
        _print_changes(functions, out())
    counts = count_kinds(functions) if len(functions) > 1 else ""
    if deploy is None:
        _summary(counts, "nothing to change: it is so already")
        return
    _summary(counts, f"deploy {deploy['number']} took {seconds:.1f} s", "green")
    moved = [one for one in functions if one["change"] != "unchanged"]
    if len(moved) <= MAX_HINTS:
        hint("Undo it", *(_undo(one, env) for one in moved))


def tell_plan(deploy: Mapping[str, Any]) -> None:
    """Before a deploy is taken back, to stderr: which one it is, and what becomes of its functions."""
    said = f": {one_line(deploy['note'])}" if deploy["note"] else ""
    by = f" by {one_line(deploy['actor'])}" if deploy["actor"] else ""
    err().print(f"Deploy {deploy['number']}, {ago(deploy['created_at'])}{by}{said}", soft_wrap=True)
    _print_changes([_taken_back(release) for release in deploy["releases"]], err())


def _taken_back(release: Mapping[str, Any]) -> dict[str, Any]:
    """The change that taking a deploy back makes of one of its releases."""
    was = release["was"]
    return {
        "function_id": release["function_id"],
        "change": "archived" if was is None else "restored",
        "version": was,
        "was": release["version"],
        "live": was is not None,
        "files": {},
        "definition_changed": False,
    }


def _undo(moved: Mapping[str, Any], env: str | None) -> str:
    if moved["was"] is None:
        return command("archive", moved["function_id"], env=env)
    return command("live", moved["function_id"], str(moved["was"]), env=env)


def _print_changes(functions: Sequence[Mapping[str, Any]], console: Console) -> None:
    console.print()
    for line in change_lines(functions):
        console.print(line, soft_wrap=True)
    console.print()


def _summary(counts: str, outcome: str, style: str = "bold") -> None:
    out().print(
        Text.assemble(f"{counts}; ", (outcome, style)) if counts else Text(outcome[0].upper() + outcome[1:], style)
    )
