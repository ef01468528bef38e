"""The stream's far end: events are taken from the inbox in batches, and what cannot be consumed is parked."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

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


UNPARKED_AT_ONCE = 1_000
"""Old numbers that come back to the inbox together: few against what `looking_back` takes for its oldest end."""


def unpark(seqs: Sequence[int] | None = None) -> int:
    """Put parked events back into the inbox, those named or the oldest, at most UNPARKED_AT_ONCE; how many."""
    named = None if seqs is None else list(seqs)
    with connection.cursor() as cursor:
        cursor.execute(
            "WITH chosen AS (SELECT seq FROM event_stream_parkedevent"
            " WHERE %b::bigint[] IS NULL OR seq = ANY (%b::bigint[]) ORDER BY seq LIMIT %s),"
            " back AS (DELETE FROM event_stream_parkedevent WHERE seq = ANY (ARRAY(SELECT seq FROM chosen))"
            " RETURNING seq) INSERT INTO event_stream_inbox (seq) SELECT seq FROM back ON CONFLICT DO NOTHING",
            (named, named, UNPARKED_AT_ONCE),
        )
        count: int = cursor.rowcount
        return count
