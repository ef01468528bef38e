"""Reading the Event Stream for answers."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

import msgspec
from django.db import connection
from django.db.models import QuerySet
from psycopg import sql

from apps.core_api.answers import Receipt
from apps.core_api.rendering import with_fields
from apps.core_api.walking import Condition, Stretch, Walk, walk
from apps.datastore.models import Environment
from apps.event_stream.models import Event

MAX_BYTES = 16 * 1024 * 1024
"""Payloads in one page; the one that goes past it is the page's last."""

_NEWEST = 2**63 - 1

# Events are numbered in about the order in which they were received, so a time is found by bisection, in some 30 steps
# down the primary key. `low`: all below it is older. `high`: all from it on is not. (Not min() and max(): planned while
# the table was empty, they read all of it.)
_POSITION_AT = """
WITH RECURSIVE bisection (low, high, moment) AS (
    SELECT (SELECT seq FROM event_stream_event ORDER BY seq LIMIT 1),
           (SELECT seq + 1 FROM event_stream_event ORDER BY seq DESC LIMIT 1),
           %(moment)s::timestamptz + %(shift)s::interval
  UNION ALL
    SELECT CASE WHEN probe.seq < high AND probe.received_at < moment THEN probe.seq + 1 ELSE low END,
           CASE WHEN probe.seq < high AND probe.received_at < moment THEN high ELSE low + (high - low) / 2 END,
           moment
    FROM bisection CROSS JOIN LATERAL (
        SELECT seq, received_at FROM event_stream_event WHERE seq >= low + (high - low) / 2 ORDER BY seq LIMIT 1
    ) AS probe
    WHERE low < high
)
SELECT low FROM bisection WHERE low >= high
"""

# What commits late, or by another machine's turn, stands among neighbours that are this much older or newer at most.
_DISORDER = "1 minute"


class EventFilter(NamedTuple):
    name: str | None
    received_after: datetime | None
    """Included."""
    received_before: datetime | None
    """Not included."""


def find_events(environment: Environment, wanted: EventFilter, below: str | None, limit: int) -> Stretch:
    """The numbers of a page of events, newest first."""
    filters: list[Condition] = [(sql.SQL("environment_id = %s"), environment.pk)]
    start, end = _NEWEST if below is None else int(below), 0
    if wanted.received_before is not None:
        filters.append((sql.SQL("received_at < %s"), wanted.received_before))
        start = min(start, _position_at(wanted.received_before, f"+{_DISORDER}"))
    if wanted.received_after is not None:
        filters.append((sql.SQL("received_at >= %s"), wanted.received_after))
        end = _position_at(wanted.received_after, f"-{_DISORDER}")
    columns: tuple[str, ...] = ("seq",)
    fixed: tuple[Any, ...] = ()
    if wanted.name is not None:
        columns, fixed = ("environment_id", "name", "seq"), (environment.pk, wanted.name)
    return walk(Walk("event_stream_event", columns, fixed, start, end, tuple(filters)), limit)


def _position_at(moment: datetime, shift: str) -> int:
    """The number of the first event received at that time or later, or the one after the last."""
    with connection.cursor() as cursor:
        # Shifted there: the first and last minutes of what a datetime can be are not the database's.
        cursor.execute(_POSITION_AT, {"moment": moment, "shift": shift})
        row = cursor.fetchone()
    return 0 if row is None else int(row[0])


_LOAD = """
SELECT seq, internal_id, payload, received_at, duplicate
FROM (
    SELECT *, sum(octet_length(payload)) OVER (ORDER BY seq DESC) - octet_length(payload) AS bytes_before
    FROM event_stream_event WHERE seq = ANY (%s::bigint[])
) AS page
WHERE bytes_before < %s
ORDER BY seq DESC
"""


class EventPage(NamedTuple):
    events: list[msgspec.Raw]
    ended_at: int | None


def load_events(environment: Environment, stretch: Stretch) -> EventPage:
    """The events of a stretch, as far as they fit in one answer."""
    with connection.cursor() as cursor:
        cursor.execute(_LOAD, (stretch.positions, MAX_BYTES))
        rows = cursor.fetchall()
    events = [
        with_fields(payload, Receipt(internal_id, received_at, environment.public_id, duplicate))
        for _, internal_id, payload, received_at, duplicate in rows
    ]
    return EventPage(events, rows[-1][0] if len(rows) < len(stretch.positions) and rows else stretch.ended_at)


def load_event(environment: Environment, internal_id: str) -> msgspec.Raw | None:
    """The event's first receipt, or what is left of them."""
    event = _receipts(environment, internal_id).first()
    if event is None:
        return None
    receipt = Receipt(event.internal_id, event.received_at, environment.public_id, event.duplicate)
    return with_fields(event.payload, receipt)


def numbers_of_event(environment: Environment, internal_id: str) -> Sequence[int]:
    """The numbers under which an event may have started runs; none if there is no such event."""
    return list(_receipts(environment, internal_id).values_list("seq", flat=True)[:100])


def _receipts(environment: Environment, internal_id: str) -> QuerySet[Event]:
    """Of one event, the duplicates last."""
    return Event.objects.filter(environment_id=environment.pk, internal_id=internal_id).order_by("duplicate", "seq")
