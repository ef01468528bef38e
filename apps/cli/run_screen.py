"""A run on the screen: what it is, its steps as a timeline, its waits, its history."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.text import Text

from apps.cli.commands.runs import shown_status
from apps.cli.json_text import encode
from apps.cli.printing import (
    STATUS_STYLES,
    ago,
    as_time,
    duration,
    excerpt,
    fields,
    hanging,
    lines,
    note,
    one_line,
    out,
    status_text,
)

_MARKS = {
    "Completed": "✓",
    "Failed": "✗",
    "Cancelled": "⊘",
    "Running": "▶",
    "Retrying": "↻",
    "Skipped": "·",
    "Pending": "·",
}
_OPEN = "○"
_CUT = 400
_LONGEST_NAME = 32
_KINDS = {"Sleep": "sleep", "WaitForEvent": "wait", "WaitForSignal": "wait", "InvokeFunction": "invoke"}


def show_run(
    run: Mapping[str, Any],
    event: Mapping[str, Any] | None,
    history: Sequence[Mapping[str, Any]],
    is_whole: bool,
    now: str,
) -> None:
    status = shown_status(run)
    out().print(
        Text.assemble("Run ", (run["run_id"], "bold"), "  ", (mark(status), style(status)), " ", status_text(status))
    )
    _heading("")
    fields(
        {
            "function": f"{run['function_id']} (version {run['function_version']})",
            "event": _event(run, event),
            "queued": f"{_moment(run['queued_at'])} ({ago(run['queued_at'], as_time(now))})",
            "took": duration(run["queued_at"], run["ended_at"]),
            "so far": "" if run["ended_at"] else duration(run["queued_at"], now),
            "invoked by": _invoker(run["invoked_by"]),
            "data": "" if event is None else _short(event.get("data")),
            "output": "" if run["status"] == "Failed" else _output(run),
        }
    )
    _show_steps(run, now)
    _show_tries(run["tries"], "Calls of the function")
    if run["status"] == "Failed" and not any(one["error"] for one in (*run["steps"], *run["tries"])):
        _heading("Error")
        _show_error(run["output"])
    _show_waits(run["waits"], now)
    _show_history(history, run["queued_at"], is_whole)


def mark(status: str) -> str:
    return _MARKS.get(status, _OPEN)


def style(status: str) -> str:
    return STATUS_STYLES.get(status, "")


def _heading(title: str) -> None:
    out().print()
    if title:
        out().print(Text(title, style="bold"))


def _event(run: Mapping[str, Any], event: Mapping[str, Any] | None) -> str:
    if run["event_id"] is None:
        return "no longer kept"
    name = "" if event is None else f"{event['name']} "
    more = len(run["event_ids"]) - 1
    return f"{name}{run['event_id']}{f' and {more} more' if more > 0 else ''}"


def _invoker(invoker: Mapping[str, Any] | None) -> str:
    return "" if invoker is None else f"step {invoker['step_id']} of run {invoker['run_id']}"


def _output(run: Mapping[str, Any]) -> str:
    return "too large to be shown here" if run["omitted"] else _short(run["output"])


def _short(value: object) -> str:
    return "" if value is None else excerpt(encode(value, indent=0), _CUT)


def _moment(moment: str) -> str:
    return as_time(moment).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def _show_steps(run: Mapping[str, Any], now: str) -> None:
    steps = run["steps"]
    if not steps:
        return
    _heading("Steps")
    width = max(len(excerpt(step["name"], _LONGEST_NAME)) for step in steps)
    for step in steps:
        _show_step(step, width, run["queued_at"], now)


def _show_step(step: Mapping[str, Any], width: int, begun: str, now: str) -> None:
    status = step["status"]
    start, end = step["started_at"] or step["queued_at"], step["ended_at"]
    tries = f"{step['attempts']} tries" if step["attempts"] > 1 else ""
    line = Text.assemble(
        (f"  {mark(status)} ", style(status)),
        f"{excerpt(step['name'], _LONGEST_NAME):<{width}}  ",
        (f"{status:<10}", style(status)),
        (f"{_offset(begun, start):>9}", "dim"),
        f"{duration(start, end or (now if status == 'Running' else None)):>8}",
        (f"  {tries}" if tries else "", "yellow"),
        (f"  {_KINDS[step['op']]}" if step["op"] in _KINDS else "", "dim"),
    )
    line.rstrip()
    out().print(line, soft_wrap=True)
    for name, text in _details(step, now):
        hanging(Text(f"    {name:<7}", "dim"), Text(text))
    if step["tries"]:
        for number, one in enumerate(step["tries"]):
            is_last = number == len(step["tries"]) - 1
            _show_try(one, show_error=not (is_last and step["error"]), numbered=len(step["tries"]) > 1)
    if step["error"]:
        _show_error(step["error"])


def _details(step: Mapping[str, Any], now: str) -> list[tuple[str, str]]:
    waits_for = step["waits_for"]
    details = [
        ("why", one_line(step["reason"] or "")),
        ("due", f"{_moment(step['due_at'])} ({ago(step['due_at'], as_time(now))})" if step["due_at"] else ""),
        ("for", _awaited(waits_for) if waits_for else ""),
        ("output", "too large to be shown here" if step["omitted"] else _short(step["output"])),
    ]
    return [(name, text) for name, text in details if text]


def _awaited(waits_for: Mapping[str, Any]) -> str:
    what = waits_for.get("event") or waits_for.get("signal") or "the run that it invoked"
    match = f" with {waits_for['match']}" if waits_for.get("match") else ""
    until = f", until {_moment(waits_for['expires_at'])}" if waits_for.get("expires_at") else ""
    return one_line(f"{what}{match}{until}")


def _show_tries(tries: Sequence[Mapping[str, Any]], title: str) -> None:
    if any(one["log"] or not one["ok"] for one in tries):
        _heading(title)
        for one in tries:
            _show_try(one, show_error=True, numbered=len(tries) > 1)


def _show_try(one: Mapping[str, Any], show_error: bool, numbered: bool) -> None:
    """A try is shown where it says something: it failed, or it logged."""
    if numbered and ((show_error and not one["ok"]) or one["log"]):
        outcome = "succeeded" if one["ok"] else "failed"
        took = duration(one["started_at"], one["ended_at"])
        out().print(Text(f"    try {one['number']} {outcome} after {took}", style="dim"))
    if one["log"]:
        for number, line in enumerate(lines(one["log"]).rstrip("\n").split("\n")):
            out().print(Text.assemble(("    log    " if number == 0 else "           ", "dim"), line), soft_wrap=True)
    if show_error and not one["ok"]:
        _show_error(one["error"])


def _show_error(error: object) -> None:
    """In full, with its stack."""
    if not isinstance(error, Mapping):
        out().print(Text(f"    {_short(error)}", style="red"), soft_wrap=True)
        return
    name, message, stack = (str(error.get(key) or "") for key in ("name", "message", "stack"))
    said = f"{name}: {message}" if name and message else name or message
    for line in lines(said).split("\n"):
        out().print(Text(f"    {line}", style="red"), soft_wrap=True)
    if stack and stack.strip() != said.strip():
        # Most stacks begin with what was just said.
        rest = stack.removeprefix(said).strip("\n")
        for line in lines(rest).split("\n"):
            out().print(Text(f"      {line.strip()}", style="dim"), soft_wrap=True)


def _show_waits(waits: Sequence[Mapping[str, Any]], now: str) -> None:
    if not waits:
        return
    _heading("Waits")
    width = max(len(one_line(wait["event"] or wait["signal"] or "")) for wait in waits)
    for wait in waits:
        status = {"Open": "Waiting", "Arrived": "Completed", "TimedOut": "Cancelled"}.get(wait["status"], "Skipped")
        purpose = "cancels the run" if wait["kind"] == "cancel" else f"after {', '.join(wait['after'])}"
        purpose = wait["step_name"] or purpose
        told = {"Open": "Open", "Arrived": "Arrived", "TimedOut": "Timed out", "Cancelled": "Given up"}[wait["status"]]
        until = f", until {_moment(wait['expires_at'])}" if wait["expires_at"] and wait["status"] == "Open" else ""
        took = f" after {duration(wait['opened_at'], wait['ended_at'])}" if wait["ended_at"] else ""
        match = f" with {wait['match']}" if wait["match"] else ""
        hanging(
            Text.assemble(
                (f"  {mark(status)} ", style(status)), f"{one_line(wait['event'] or wait['signal'] or ''):<{width}}  "
            ),
            Text.assemble((f"{told}{took}{until}", style(status)), (f"  {one_line(purpose + match)}", "dim")),
        )


def _show_history(history: Sequence[Mapping[str, Any]], begun: str, is_whole: bool) -> None:
    if not history:
        return
    _heading("History")
    kinds = max(len(entry["kind"]) for entry in history)
    for entry in history:
        step = f"{excerpt(entry['step_id'], _LONGEST_NAME)}  " if entry["step_id"] else ""
        hanging(
            Text.assemble((f"  {_offset(begun, entry['at']):>9}  ", "dim"), f"{one_line(entry['kind']):<{kinds}}  "),
            Text.assemble(step, (one_line(entry["reason"] or ""), "dim")),
        )
    if not is_whole:
        note("  and so on: the history is longer")


def _offset(begun: str, moment: str | None) -> str:
    """When, seen from the run's beginning."""
    return f"+{duration(begun, moment)}" if moment else ""
