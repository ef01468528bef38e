"""Looking back at the stream: what has been consumed, or is being, and up to which time."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from django.db import connection

from apps.event_stream.consuming import StreamEvent


class Payloads(NamedTuple):
    """Payloads by number, as JSON text, of the first of the events asked for: as many as fit."""

    by_seq: dict[int, str]
    all_fit: bool


# The size of a text is known without reading it.
_PAYLOADS = """
SELECT seq, CASE WHEN before < %s OR place = 1 THEN payload END FROM (
    SELECT seq, payload, sum(octet_length(payload)) OVER (ORDER BY seq) - octet_length(payload) AS before,
           row_number() OVER (ORDER BY seq) AS place
    FROM event_stream_event WHERE seq = ANY (%b::bigint[])
) AS measured ORDER BY seq
"""


def payloads_of(seqs: Sequence[int], most_bytes: int) -> Payloads:
    """Read payloads in the order of their numbers until they are `most_bytes` together; at least one."""
    if not seqs:
        return Payloads({}, all_fit=True)
    with connection.cursor() as cursor:
        cursor.execute(_PAYLOADS, (most_bytes, list(seqs)))
        rows = cursor.fetchall()
    return Payloads({seq: text for seq, text in rows if text is not None}, all(text is not None for _, text in rows))


def these_events(seqs: Sequence[int]) -> list[StreamEvent]:
    """Events by number, consumed or not, in the order of the stream."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT seq, environment_id, name, internal_id, received_at FROM event_stream_event"
            " WHERE seq = ANY (%b::bigint[]) ORDER BY seq",
            (list(seqs),),
        )
        return [StreamEvent(*row) for row in cursor.fetchall()]


# An event in the inbox whose row nobody has touched (its xmax is 0) will be consumed by a transaction that has not
# begun to look at anything: that one sees whatever is committed now. One that is parked is in nobody's hands, and comes
# to the inbox again. All others are looked at here, in flight or gone. They are found among the oldest of the inbox,
# because batches are taken from there: beyond its `reach` oldest entries nothing is looked at, so that a long backlog
# costs no more than a short one.
#
# Rows are compared, so that the plan can only be a walk over the index by name: by numbers alone, one that was made
# when there were few names walks the whole stream. OFFSET keeps the look into the inbox one probe by its key.
_TAKEN_SINCE = """
WITH reach AS MATERIALIZED (
    SELECT COALESCE((SELECT seq FROM event_stream_inbox ORDER BY seq OFFSET %s LIMIT 1), 9223372036854775807) AS seq
)
SELECT asked.place, event.*
FROM unnest(%b::int[], %b::bigint[], %b::text[], %b::bigint[]) AS asked (place, environment_id, name, after),
     reach, LATERAL (
    SELECT seq, environment_id, name, internal_id, received_at FROM event_stream_event AS event
    WHERE (event.environment_id, event.name, event.seq) > (asked.environment_id, asked.name, asked.after)
      AND (event.environment_id, event.name, event.seq) < (asked.environment_id, asked.name, reach.seq)
      AND NOT event.duplicate
      AND NOT EXISTS (
        SELECT FROM event_stream_inbox AS entry WHERE entry.seq = event.seq AND entry.xmax = '0'::xid OFFSET 0)
      AND NOT EXISTS (SELECT FROM event_stream_parkedevent AS parked WHERE parked.seq = event.seq OFFSET 0)
    ORDER BY event.environment_id, event.name, event.seq LIMIT %s
) AS event ORDER BY asked.place, event.seq
"""


def events_taken_since(asked: Sequence[tuple[int, str, int]], most: int, reach: int) -> list[list[StreamEvent]]:
    """For each (environment, name, number): the events of that name after it that someone has begun to consume.

    At most `most` for each, the oldest. Those that are left out will be consumed by someone who sees all that is
    committed now. `reach` is more than the events that can be in the hands of consumers at once.
    """
    found: list[list[StreamEvent]] = [[] for _ in asked]
    if not asked:
        return found
    environments, names, after = (list(column) for column in zip(*asked, strict=True))
    with connection.cursor() as cursor:
        cursor.execute(_TAKEN_SINCE, (reach, list(range(len(asked))), environments, names, after, most))
        for place, *event in cursor.fetchall():
            found[place].append(StreamEvent(*event))
    return found


# Whoever appends holds this lock until the commit.
_APPENDING = """
SELECT min(session.xact_start) FROM pg_locks AS lock JOIN pg_stat_activity AS session ON session.pid = lock.pid
WHERE lock.relation = 'event_stream_event'::regclass AND lock.mode = 'RowExclusiveLock' AND lock.granted
  AND session.pid <> pg_backend_pid()
"""


def appending_since() -> datetime | None:
    """Since when someone has been appending events that nobody else can see yet; None if nobody has."""
    with connection.cursor() as cursor:
        cursor.execute(_APPENDING)
        since: datetime | None = cursor.fetchone()[0]
        return since


OLDEST = 1_000
MARGIN = timedelta(seconds=5)
"""Numbers are all but in the order of time. Beyond the OLDEST an event may be a little older than they are."""

_RECEIVED = "SELECT min(received_at), count(*) FROM event_stream_event WHERE seq = ANY (%b::bigint[])"


def oldest_receipt(seqs: Sequence[int]) -> datetime | None:
    """When the first of these events was received; None if there are none."""
    with connection.cursor() as cursor:
        cursor.execute(_RECEIVED, (list(seqs),))
        received: datetime | None = cursor.fetchone()[0]
        return received


# By array: a plan that was made while the tables were empty may join with all events there are.
_CONSUMED_UNTIL = _RECEIVED.replace("%b::bigint[]", "ARRAY(SELECT seq FROM event_stream_inbox ORDER BY seq LIMIT %s)")


def consumed_until() -> datetime | None:
    """The time before which every event in the stream has been consumed; None if the inbox is empty."""
    with connection.cursor() as cursor:
        cursor.execute(_CONSUMED_UNTIL, (OLDEST,))
        until: datetime | None
        until, count = cursor.fetchone()
    return until - MARGIN if until is not None and count == OLDEST else until
