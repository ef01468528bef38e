"""The stream's far end: events are taken from the inbox in batches, and what cannot be consumed is parked."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from django.conf import settings
from django.db import connection, transaction


class StreamEvent(NamedTuple):
    """An event as the runner needs it; its payload stays in the table."""

    seq: int
    environment_id: int
    name: str
    internal_id: str
    received_at: datetime


# By array, not by join: a plan that was made while the tables were empty may join with all events there are.
_TAKE = """
WITH taken AS (
    SELECT seq FROM event_stream_inbox WHERE seq = ANY (%b::bigint[]) ORDER BY seq FOR UPDATE SKIP LOCKED
), gone AS (
    DELETE FROM event_stream_inbox WHERE seq = ANY (ARRAY(SELECT seq FROM taken)) RETURNING seq
)
SELECT seq, environment_id, name, internal_id, received_at, now()
FROM event_stream_event WHERE seq = ANY (ARRAY(SELECT seq FROM gone)) ORDER BY seq
"""
_TAKE_OLDEST = _TAKE.replace("WHERE seq = ANY (%b::bigint[]) ORDER BY seq", "ORDER BY seq LIMIT %s")


class Batch(NamedTuple):
    """Events taken in one transaction, and its time; no time if there were none."""

    events: list[StreamEvent]
    now: datetime | None


def take_batch(most: int) -> Batch:
    """Take up to `most` of the oldest events nobody else is taking; they are back if the transaction fails."""
    return _take(_TAKE_OLDEST, most)


def take_these(seqs: Sequence[int]) -> Batch:
    """Take those of these events that are still in the inbox and that nobody else is taking."""
    return _take(_TAKE, list(seqs))


def _take(statement: str, argument: int | list[int]) -> Batch:
    with connection.cursor() as cursor:
        cursor.execute(statement, (argument,))
        rows = cursor.fetchall()
    return Batch([StreamEvent(*row[:-1]) for row in rows], rows[0][-1] if rows else None)


class Payloads(NamedTuple):
    """Payloads by number, as JSON text, of the first of the events asked for: as many as fit."""

    by_seq: dict[int, str]
    all_fit: bool


# The size of a text is known without reading it.
_PAYLOADS = """
SELECT seq, CASE WHEN size <= %s THEN payload END FROM (
    SELECT seq, payload, sum(octet_length(payload)) OVER (ORDER BY seq) - octet_length(payload) AS size
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
# begun to look at anything: that one sees whatever is committed now. All others are looked at here, in flight or gone.
# Those are found among the oldest of the inbox, because batches are taken from there: further on nothing is looked at,
# so that a long backlog costs no more than a short one.
_TAKEN_SINCE = """
WITH reach AS MATERIALIZED (
    SELECT COALESCE((SELECT seq FROM event_stream_inbox ORDER BY seq OFFSET %s LIMIT 1), 9223372036854775807) AS seq
)
SELECT asked.place, event.*
FROM unnest(%b::int[], %b::bigint[], %b::text[], %b::bigint[]) AS asked (place, environment_id, name, after),
     reach, LATERAL (
    SELECT seq, environment_id, name, internal_id, received_at FROM event_stream_event AS event
    WHERE event.environment_id = asked.environment_id AND event.name = asked.name
      AND event.seq > asked.after AND event.seq < reach.seq AND NOT event.duplicate
      AND NOT EXISTS (SELECT FROM event_stream_inbox AS entry WHERE entry.seq = event.seq AND entry.xmax = '0'::xid)
    ORDER BY event.environment_id, event.name, event.seq LIMIT %s
) AS event ORDER BY asked.place, event.seq
"""
CONSUMERS_MOST = 50
"""Batches that may be in flight at once."""


def events_taken_since(asked: Sequence[tuple[int, str, int]], most: int) -> list[list[StreamEvent]]:
    """For each (environment, name, number): the events of that name after it that someone has begun to consume.

    At most `most` for each, the oldest. Those that are left out will be consumed by someone who sees all that is
    committed now.
    """
    found: list[list[StreamEvent]] = [[] for _ in asked]
    if not asked:
        return found
    environments, names, after = (list(column) for column in zip(*asked, strict=True))
    reach = CONSUMERS_MOST * settings.CONSUME_BATCH
    with connection.cursor() as cursor:
        cursor.execute(_TAKEN_SINCE, (reach, list(range(len(asked))), environments, names, after, most))
        for place, *event in cursor.fetchall():
            found[place].append(StreamEvent(*event))
    return found


# By array, as above. Numbers are all but in the order of time: the least of a thousand is the least.
_CONSUMED_UNTIL = """
SELECT min(received_at) FROM event_stream_event
WHERE seq = ANY (ARRAY(SELECT seq FROM event_stream_inbox ORDER BY seq LIMIT 1000) || %b::bigint[])
"""


def consumed_until(besides: Sequence[int] = ()) -> datetime | None:
    """The time before which every event that was received has been consumed; None if all have been.

    `besides`: numbers of events that count as not consumed although they have left the inbox.
    """
    with connection.cursor() as cursor:
        cursor.execute(_CONSUMED_UNTIL, (list(besides),))
        until: datetime | None = cursor.fetchone()[0]
        return until


def oldest_in_inbox(most: int) -> list[int]:
    """The numbers of the oldest events that have not been consumed."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT seq FROM event_stream_inbox ORDER BY seq LIMIT %s", (most,))
        return [row[0] for row in cursor.fetchall()]


def park(seq: int, reason: str) -> None:
    """Take an event that cannot be consumed out of the inbox, and keep why. `unpark` gives it another try."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM event_stream_inbox WHERE seq = %s", (seq,))
        if cursor.rowcount:
            cursor.execute(
                "INSERT INTO event_stream_parkedevent (seq, reason, parked_at) VALUES (%s, %s, now())"
                " ON CONFLICT (seq) DO UPDATE SET reason = excluded.reason, parked_at = excluded.parked_at",
                (seq, reason.replace("\0", "\ufffd").encode(errors="replace").decode()),
            )


def unpark(seqs: Sequence[int] | None = None) -> int:
    """Put parked events (all of them if none are named) back into the inbox. Returns how many."""
    named = None if seqs is None else list(seqs)
    with connection.cursor() as cursor:
        cursor.execute(
            "WITH back AS (DELETE FROM event_stream_parkedevent WHERE %b::bigint[] IS NULL OR seq = ANY (%b::bigint[])"
            " RETURNING seq) INSERT INTO event_stream_inbox (seq) SELECT seq FROM back ON CONFLICT DO NOTHING",
            (named, named),
        )
        count: int = cursor.rowcount
        return count
