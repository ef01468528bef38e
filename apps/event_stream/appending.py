"""The stream's near end: accepted events are appended, numbered, and put into the inbox.

Any number of events is one statement, and a statement alone is a transaction: an event is stored with its inbox row
and the memory of its id, or not at all.
"""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.db import connection
from psycopg import AsyncConnection

from apps.event_stream.new_event import NewEvent

# `%b`: psycopg sends arrays of text as they are; as text it would quote every character of them (40 times slower).
_COLUMNS = "%b::bigint[], %b::text[], %b::text[], %b::text[]"

_APPEND = f"""
WITH stored AS (
    INSERT INTO event_stream_event (environment_id, internal_id, name, payload, received_at, duplicate)
    SELECT environment_id, internal_id, name, payload, now(), false
    FROM unnest({_COLUMNS}) AS incoming (environment_id, internal_id, name, payload)
    RETURNING seq
)
INSERT INTO event_stream_inbox (seq) SELECT seq FROM stored
"""

_APPEND_NUMBERED = f"""
WITH stored AS (
    INSERT INTO event_stream_event (environment_id, internal_id, name, payload, received_at, duplicate)
    SELECT environment_id, internal_id, name, payload, now(), false
    FROM unnest({_COLUMNS}) AS incoming (environment_id, internal_id, name, payload)
    RETURNING seq, internal_id
), entered AS (
    INSERT INTO event_stream_inbox (seq) SELECT seq FROM stored
)
SELECT internal_id, seq FROM stored
"""

# The guard decides by the row in event_stream_seeneventid, which transactions lock one after another, in the order of
# its key so that none waits for another in a circle. A receipt is the first one if the row that comes back expires
# exactly a window from now: inserted and renewed rows do, and least() sees to it that no other row can.
_APPEND_GUARDED = f"""
WITH incoming AS (
    SELECT *, row_number() OVER (PARTITION BY environment_id, event_id ORDER BY position) AS receipt
    FROM unnest({_COLUMNS}, %b::text[]) WITH ORDINALITY
      AS given (environment_id, internal_id, name, payload, event_id, position)
), guard AS (
    INSERT INTO event_stream_seeneventid AS seen (environment_id, event_id, internal_id, expires_at)
    SELECT environment_id, event_id, internal_id, now() + make_interval(secs => %b::float8)
    FROM incoming WHERE event_id IS NOT NULL AND receipt = 1
    ORDER BY environment_id, event_id COLLATE "C"
    ON CONFLICT (environment_id, event_id) DO UPDATE SET
      internal_id = CASE WHEN seen.expires_at <= now() THEN excluded.internal_id ELSE seen.internal_id END,
      expires_at = CASE WHEN seen.expires_at <= now() THEN excluded.expires_at
                        ELSE least(seen.expires_at, excluded.expires_at - interval '1 microsecond') END
    RETURNING environment_id, event_id, internal_id,
              expires_at = now() + make_interval(secs => %b::float8) AS is_first
), judged AS (
    SELECT incoming.position, incoming.environment_id, incoming.name, incoming.payload,
           coalesce(guard.internal_id, incoming.internal_id) AS internal_id,
           guard.event_id IS NOT NULL AND NOT (guard.is_first AND incoming.receipt = 1) AS duplicate
    FROM incoming LEFT JOIN guard
      ON guard.environment_id = incoming.environment_id AND guard.event_id = incoming.event_id COLLATE "C"
), stored AS (
    INSERT INTO event_stream_event (environment_id, internal_id, name, payload, received_at, duplicate)
    SELECT environment_id, internal_id, name, payload, now(), duplicate FROM judged ORDER BY position
    RETURNING seq, duplicate
), entered AS (
    INSERT INTO event_stream_inbox (seq) SELECT seq FROM stored WHERE NOT duplicate
)
SELECT position, internal_id FROM judged WHERE duplicate
"""


def _statement(events: Sequence[NewEvent]) -> tuple[str, list[Any], bool]:
    """The statement, its parameters, and whether it answers with the duplicates."""
    environment_ids, internal_ids, names, payloads, event_ids = zip(*events, strict=True)
    parameters: list[Any] = [list(environment_ids), list(internal_ids), list(names), list(payloads)]
    if not any(event_ids):
        return _APPEND, parameters, False
    window = float(settings.EVENT_DEDUPLICATION_SECONDS)
    return _APPEND_GUARDED, [*parameters, list(event_ids), window, window], True


def _with_duplicates(events: Sequence[NewEvent], duplicates: Sequence[tuple[int, str]]) -> list[str]:
    internal_ids = [event.internal_id for event in events]
    for position, internal_id in duplicates:
        internal_ids[position - 1] = internal_id
    return internal_ids


async def append_over(own: AsyncConnection[Any], events: Sequence[NewEvent]) -> list[str]:
    """Append over a connection of the caller's own, in autocommit: committed when it returns.

    Returns each event's internal id; a repeated event has that of its first receipt. Called by event_api.
    """
    statement, parameters, answers = _statement(events)
    cursor = await own.execute(statement, parameters, prepare=True)
    return _with_duplicates(events, await cursor.fetchall() if answers else ())


def append_events(events: Sequence[NewEvent]) -> list[str]:
    """Append over Django's connection, in the caller's transaction if there is one. Returns as `append_over` does."""
    if not events:
        return []
    statement, parameters, answers = _statement(events)
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return _with_duplicates(events, cursor.fetchall() if answers else ())


def append_numbered(events: Sequence[NewEvent]) -> list[int]:
    """Append events that the server makes itself, in the caller's transaction. Returns their numbers, in their order.

    They have no `event_id`: nobody sends them again.
    """
    if not events:
        return []
    environment_ids, internal_ids, names, payloads, _ = zip(*events, strict=True)
    with connection.cursor() as cursor:
        cursor.execute(_APPEND_NUMBERED, [list(environment_ids), list(internal_ids), list(names), list(payloads)])
        numbers = dict(cursor.fetchall())
    return [numbers[internal_id] for internal_id in internal_ids]
