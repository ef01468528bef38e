"""`inngest events tail`: new events as they come."""

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from apps.cli.client import Client
from apps.cli.completing import complete_event_name
from apps.cli.context import AsJson, Env, connect
from apps.cli.event_feed import EventFeed
from apps.cli.following import follow
from apps.cli.json_text import encode
from apps.cli.printing import clock, duration, excerpt, note, one_line, print_cut, print_json, status_text

if TYPE_CHECKING:
    from apps.cli.event_runs import EventRuns

_DATA_CHARACTERS = 1_000

Name = Annotated[
    str | None,
    typer.Argument(help="Only events of this name.", metavar="NAME", autocompletion=complete_event_name),
]
WithRuns = Annotated[
    bool, typer.Option("--runs", help="Show what the last 20 events start, and what comes of it within a minute.")
]


def tail(name: Name = None, runs: WithRuns = False, env: Env = None, as_json: AsJson = False) -> None:
    """Print new events as they come, until Ctrl-C."""
    client = connect(env)
    feed = EventFeed(client, name)
    watched = _watch(client) if runs else None
    try:
        feed.start()
        if sys.stderr.isatty():
            note(f"Waiting for events{f' {one_line(name)}' if name else ''} on {client.server.url}; Ctrl-C ends it.")
        if watched is not None:
            note(watched.bounds)
        follow(lambda: _look(feed, watched, as_json))
    except KeyboardInterrupt:
        raise typer.Exit(0) from None


def _watch(client: Client) -> "EventRuns":
    from apps.cli.event_runs import EventRuns

    return EventRuns(client)


def _look(feed: EventFeed, watched: "EventRuns | None", as_json: bool) -> None:
    for event in feed.new():
        _show_event(event, as_json, wrapped=watched is not None)
        if watched is not None:
            watched.add(event)
    for run in watched.changes() if watched is not None else ():
        _show_run(run, as_json)


def _show_event(event: Mapping[str, Any], as_json: bool, wrapped: bool) -> None:
    if as_json:
        print_json({"event": event} if wrapped else event, indent=0)
        return
    from rich.text import Text

    text = Text.assemble(
        (f"{clock(event['received_at'])}  ", "dim"),
        (one_line(event["name"]), "bold"),
        "  ",
        (event["internal_id"], "cyan"),
        ("  a repetition: it starts nothing" if event["duplicate"] else "", "yellow"),
        "  ",
        (excerpt(encode(event.get("data", {}), indent=0), _DATA_CHARACTERS), "dim"),
    )
    print_cut(text)


def _show_run(run: Mapping[str, Any], as_json: bool) -> None:
    if as_json:
        print_json({"run": run}, indent=0)
        return
    from rich.text import Text

    status = run["phase"] or run["status"]
    took = duration(run["queued_at"], run["ended_at"])
    print_cut(
        Text.assemble(
            (f"{clock(run['ended_at'] or run['queued_at'])}  ", "dim"),
            ("└ ", "dim"),
            f"{one_line(run['function_id'])}  ",
            (run["run_id"], "cyan"),
            "  ",
            status_text(status),
            (f"  {took}" if took else "", "dim"),
        )
    )
