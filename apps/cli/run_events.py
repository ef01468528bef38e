"""The events that `inngest run` runs a function on: read, made up, or fetched from a server."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from apps.cli.client import Client, Refused, quoted
from apps.cli.event_files import placed_events, shown
from apps.cli.json_text import decode
from apps.cli.printing import note, one_line
from apps.cli.problems import Problem
from apps.cli.run_choice import TIMER, Chosen

if TYPE_CHECKING:
    from apps.datastore.definition import FunctionDefinition
    from apps.event_api.limits import Limits

_FIELDS = ("name", "data", "user", "id", "ts", "v")
PAGE = 100

Event = dict[str, Any]
"""An event's own fields."""


def from_file(name: str, definition: "FunctionDefinition", trigger: Chosen, most: int) -> list[Event]:
    """The events of a file or, with `-`, of stdin; one without a name has the trigger's. Raises Problem.

    What a server takes is taken, and nothing else.
    """
    from apps.event_api.limits import allow_depth
    from apps.event_api.parsing import read_event
    from apps.event_api.refusals import Refused as NotTaken

    limits = _limits()
    allow_depth(limits.depth)
    names = {one.event for one in definition.triggers} | ({TIMER} if definition.crons else set())
    events: list[Event] = []
    for place, text in placed_events(name):
        if len(events) == most:
            raise Problem(f"{shown(name)} holds more than {most} events", "give some of them, or send them to a server")
        try:
            given = read_event(_named(text, trigger.event), f"{place}: ", limits, own=names)
        except NotTaken as refused:
            raise Problem(one_line(refused.text)) from None
        events.append({field: value for field in _FIELDS if (value := getattr(given, field)) is not None})
    strangers = [one["name"] for one in events if one["name"] not in names]
    if strangers:
        raise Problem(
            f"{definition.id} is not triggered by {one_line(strangers[0])}", f"it is by {', '.join(sorted(names))}"
        )
    if not events:
        raise Problem(f"{shown(name)} holds no event")
    return events


def _limits() -> "Limits":
    """Those of a server that has no settings of its own, as the one that runs the function has not."""
    from apps.event_api.limits import Limits

    return Limits(event_bytes=512 * 1024, batch=1, depth=1_000, request_bytes=0, queue_events=0, queue_bytes=0)


def _named(event: bytes, name: str) -> bytes:
    """The text of an event, with a name if it has none."""
    fields = decode(event)
    if "name" in fields:
        return event
    return b'{"name":%b%b%b' % (msgspec.json.encode(name), b"," if fields else b"", event[1:])


def generated(trigger: Chosen, seed: int | None) -> Event:
    """An event of the trigger: made up from its schema, or the least there can be. Says which seed made it."""
    if trigger.cron is not None:
        return {"name": TIMER, "data": {"cron": trigger.cron}}
    if trigger.schema is None:
        return {"name": trigger.event, "data": {}}
    from apps.cli.generating import generate_event, new_seed

    used = new_seed() if seed is None else seed
    event = generate_event(trigger.event, trigger.schema, used)
    if seed is None:
        note(f"the event is made up from its schema; --seed {used} makes it again")
    return event


def replayed(client: Client, definition: "FunctionDefinition", trigger: str | None, count: int) -> list[Event]:
    """The newest events of the server that have one of the triggers' names, the oldest of them first. Raises Problem.

    What was sent twice is there once.
    """
    names = [trigger] if trigger else sorted({one.event for one in definition.triggers})
    if not names:
        names = [TIMER]
    found = [event for name in names for event in _newest(client, name, count)]
    found.sort(key=lambda event: (event["received_at"], event["internal_id"]))
    if not found:
        raise Problem(
            f"{client.server.url} has no event {' or '.join(map(one_line, names))}",
            "inngest events tail shows what comes",
        )
    return [_own_fields(event) for event in found[-count:]]


def _newest(client: Client, name: str, count: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    cursor: str | None = None
    while True:
        page = client.get("/v1/events", name=name, limit=min(count, PAGE), cursor=cursor)
        found += [event for event in page["data"] if not event["duplicate"]]
        cursor = page["page"]["next_cursor"]
        if cursor is None or len(found) >= count:
            return found[:count]


def by_id(client: Client, definition: "FunctionDefinition", event_id: str) -> list[Event]:
    """One event of the server. Raises Problem."""
    try:
        event = _own_fields(client.get(f"/v1/events/{quoted(event_id)}")["data"])
    except Refused as refusal:
        if refusal.status != 404:
            raise
        raise Problem(
            f"{client.server.url} has no event {one_line(event_id)}", "inngest events tail shows ids"
        ) from None
    names = {one.event for one in definition.triggers} | ({TIMER} if definition.crons else set())
    if event["name"] not in names:
        raise Problem(f"{definition.id} is not triggered by {one_line(event['name'])}, which that event is")
    return [event]


def _own_fields(event: Mapping[str, Any]) -> Event:
    return {field: event[field] for field in _FIELDS if event.get(field) is not None}
