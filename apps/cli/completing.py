"""Ids for the shell's completion, from the server: within half a second or not at all, and never an error."""

from collections.abc import Callable
from typing import Any

from apps.cli.client import Client
from apps.cli.printing import one_line
from apps.cli.servers import choose_server

SECONDS = 0.5
_MOST = 50

Candidate = tuple[str, str]


def complete_function(ctx: Any, args: list[str], incomplete: str) -> list[Candidate]:
    """Functions by id, with their names."""
    return _found(ctx, "/v1/functions", lambda one: (one["id"], one["name"]), incomplete)


def complete_run(ctx: Any, args: list[str], incomplete: str) -> list[Candidate]:
    """The newest runs, with what they are of and their status."""
    return _found(ctx, "/v1/runs", lambda one: (one["run_id"], f"{one['function_id']} {one['status']}"), incomplete)


def complete_event_name(ctx: Any, args: list[str], incomplete: str) -> list[Candidate]:
    """Names of events that start a function."""
    return _found(ctx, "/v1/functions", lambda one: (_first_event(one), one["name"]), incomplete)


def _first_event(function: dict[str, Any]) -> str:
    return next((str(trigger["event"]) for trigger in function["triggers"] if trigger.get("event")), "")


def _found(ctx: Any, path: str, candidate: Callable[[dict[str, Any]], Candidate], incomplete: str) -> list[Candidate]:
    try:
        client = Client(choose_server(ctx.params.get("env")), connect_seconds=SECONDS, read_seconds=SECONDS)
        candidates = [candidate(one) for one in client.get(path, limit=_MOST)["data"]]
        wanted = incomplete.upper() if path == "/v1/runs" else incomplete
        return [(one, one_line(help_text, 60)) for one, help_text in candidates if one and one.startswith(wanted)]
    except Exception:
        return []  # the shell is waiting, and a person is typing
