"""The events that `inngest run` runs a function on: read, made up, or fetched from a server."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from apps.cli.client import Client, Refused, quoted
from apps.cli.event_files import read_events
from apps.cli.printing import note, one_line
from apps.cli.problems import Problem
from apps.cli.run_choice import TIMER, Chosen

if TYPE_CHECKING:
    from apps.datastore.definition import FunctionDefinition

_FIELDS = ("name", "data", "user", "id", "ts", "v")
PAGE = 100

Event = dict[str, Any]
"""An event's own fields."""


class _Given(msgspec.Struct):
    """What a file says of an event; the payloads as they were written."""

    name: str | None = None
    data: msgspec.Raw = msgspec.field(default_factory=msgspec.Raw)
    user: msgspec.Raw = msgspec.field(default_factory=msgspec.Raw)
    id: str | None = None
    ts: int | None = None
    v: str | None = None


def from_file(name: str, definition: "FunctionDefinition", trigger: Chosen) -> list[Event]:
    """The events of a file or, with `-`, of stdin; one without a name has the trigger's. Raises Problem."""
    events = []
    for number, text in enumerate(read_events(name), 1):
        try:
            given = msgspec.json.decode(text, type=_Given)
        except msgspec.MsgspecError as error:
            raise Problem(f"event {number} of {one_line(name)} is none: {one_line(str(error))}") from None
        fields = ((field, getattr(given, field)) for field in _FIELDS)
        event = {field: value for field, value in fields if value is not None and value != msgspec.Raw()}
        _require_object(event, number)
        events.append({"name": trigger.event, **event})
    names = {one.event for one in definition.triggers} | ({TIMER} if definition.crons else set())
    strangers = [one["name"] for one in events if one["name"] not in names]
    if strangers:
        raise Problem(
            f"{definition.id} is not triggered by {one_line(strangers[0])}", f"it is by {', '.join(sorted(names))}"
        )
    if not events:
        raise Problem(f"{one_line(name)} holds no event")
    return events


def _require_object(event: Mapping[str, Any], number: int) -> None:
    for field in ("data", "user"):
        if field in event and not bytes(event[field]).lstrip().startswith(b"{"):
            raise Problem(f"{field} of event {number} must be a JSON object")


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
