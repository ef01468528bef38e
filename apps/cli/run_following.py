"""`inngest runs --follow`: a line for each run that starts, and for each change of what it does."""

import sys
from collections.abc import Collection, Mapping
from typing import Any

from rich.text import Text

from apps.cli.client import Client
from apps.cli.following import follow
from apps.cli.printing import clock, duration, note, one_line, print_cut, print_json, status_text
from apps.cli.run_feed import RunFeed
from apps.cli.run_results import result_of


def follow_runs(client: Client, statuses: Collection[str], function: str | None, *, as_json: bool) -> None:
    """Until Ctrl-C, which is a good end. With `statuses`, of a run's changes only those to one of them."""
    feed = RunFeed(client, function)

    def look() -> None:
        let_go = feed.let_go
        for run in feed.changes():
            if not statuses or run["status"] in statuses:
                _show(run, as_json)
        if feed.let_go > let_go:
            note(f"{feed.let_go - let_go} runs that go on are followed no more: there are too many")

    try:
        feed.start()
        if sys.stderr.isatty():
            of = f" of {one_line(function)}" if function else ""
            note(f"Waiting for runs{of} on {client.server.url}; Ctrl-C ends it.")
        follow(look)
    except KeyboardInterrupt:
        return


def _show(run: Mapping[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(run, indent=0)
        return
    status = run["phase"] or run["status"]
    took = duration(run["queued_at"], run["ended_at"])
    print_cut(
        Text.assemble(
            (f"{clock(run['ended_at'] or run['run_started_at'] or run['queued_at'])}  ", "dim"),
            (run["run_id"], "cyan"),
            "  ",
            status_text(status),
            "  ",
            (one_line(run["function_id"]), "bold"),
            (f"  {took}" if took else "", "dim"),
            (f"  {result_of(run)}" if run["ended_at"] else "", "dim"),
        )
    )
