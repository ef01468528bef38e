"""`inngest runs`: the newest runs, and how they went."""

from collections.abc import Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from apps.cli.client import Client, Refused, quoted
from apps.cli.commands.live import check_function
from apps.cli.completing import complete_function
from apps.cli.context import AsJson, Env, connect
from apps.cli.printing import ago, as_time, duration, is_cut, note, out, print_json, status_text
from apps.cli.problems import Problem
from apps.cli.run_results import result_of

if TYPE_CHECKING:
    from datetime import datetime

    from rich.text import Text


class Status(StrEnum):
    QUEUED = "Queued"
    RUNNING = "Running"
    COMPLETED = "Completed"
    FAILED = "Failed"
    CANCELLED = "Cancelled"


PAGE = 100
MOST = 10_000
_WIDE = 110

Statuses = Annotated[
    list[Status] | None,
    typer.Option(
        "--status",
        "-s",
        help=f"Only such runs: {', '.join(Status)}. May be repeated.",
        case_sensitive=False,
        metavar="STATUS",
    ),
]
OfFunction = Annotated[
    str | None,
    typer.Option(
        "--function",
        "-f",
        help="Only runs of this function.",
        metavar="ID",
        callback=check_function,
        autocompletion=complete_function,
    ),
]
Limit = Annotated[int, typer.Option("--limit", "-n", min=1, max=MOST, help="How many.", metavar="N")]


Follow = Annotated[
    bool, typer.Option("--follow", "-F", help="Print runs as they start and as they change, until Ctrl-C.")
]


def runs(
    status: Statuses = None,
    function: OfFunction = None,
    limit: Limit = 20,
    follow: Follow = False,
    env: Env = None,
    as_json: AsJson = False,
) -> None:
    """List runs, the newest first; or follow them as they come."""
    client = connect(env)
    if follow:
        if function is not None:
            _require_function(client, function)
        from apps.cli.run_following import follow_runs

        follow_runs(client, {str(one) for one in status or []}, function, as_json=as_json)
        return
    found, now, has_more = _load(client, status or [], function, limit)
    if not found and function is not None:
        _require_function(client, function)
    if as_json:
        print_json(found)
        return
    if not found:
        note("no runs" if status or function else "no runs yet; an event starts some: inngest events send <name>")
        return
    from apps.cli.tables import table

    is_wide = not is_cut() or out().width >= _WIDE
    headers = ["RUN", "STATUS", "FUNCTION", "QUEUED", "TOOK", *(["RESULT"] if is_wide else [])]
    table(headers, [_row(run, now, is_wide) for run in found], give={"FUNCTION", "RESULT"}, right={"TOOK"})
    if has_more and out().is_terminal:
        note(f"the newest {len(found)}; --limit shows more")


def _load(
    client: Client, statuses: list[Status], function: str | None, limit: int
) -> "tuple[list[dict[str, Any]], datetime, bool]":
    """The runs, the server's time, and whether there are more. A page may be short, even empty, and have a next one."""
    found: list[dict[str, Any]] = []
    cursor: str | None = None
    while True:
        size = min(limit - len(found), PAGE)
        answer = client.get("/v1/runs", status=statuses, function_id=function, limit=size, cursor=cursor)
        found += answer["data"]
        cursor = answer["page"]["next_cursor"]
        if cursor is None or len(found) >= limit:
            return found, as_time(answer["metadata"]["fetched_at"]), cursor is not None


def _require_function(client: Client, function: str) -> None:
    try:
        client.get(f"/v1/functions/{quoted(function)}")
    except Refused as refusal:
        if refusal.status == 404:
            raise Problem(refusal.message, "inngest functions lists them") from None
        raise


def _row(run: Mapping[str, Any], now: "datetime", is_wide: bool) -> "list[str | Text]":
    return [
        run["run_id"],
        status_text(shown_status(run)),
        run["function_id"],
        ago(run["queued_at"], now),
        duration(run["queued_at"], run["ended_at"] or now.isoformat()),
        *([result_of(run)] if is_wide else []),
    ]


def shown_status(run: Mapping[str, Any]) -> str:
    """What it came to, or what it is doing now."""
    return str(run["phase"] or run["status"])
