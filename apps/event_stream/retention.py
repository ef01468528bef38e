"""What the stream may forget, a bounded piece a call; the chore `retention` calls until all is done."""

from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple

from django.db import connection


class OldEvents(NamedTuple):
    """A stretch of the stream: those of its events that are old and done with."""

    seqs: list[int]
    """Neither to be consumed nor parked."""
    ended_at: int | None
    """The number after which the next stretch begins; None if none of this one was old."""


# Walked by number: numbers are all but in the order of time, so where a whole stretch is young, the rest is, too.
# By arrays: by a plan that was made while the tables were empty, a NOT EXISTS may walk all of the inbox.
_OLD = """
WITH stretch AS MATERIALIZED (
    SELECT seq, received_at < %(before)s AS is_old
    FROM event_stream_event WHERE seq > %(after)s ORDER BY seq LIMIT %(most)s
)
SELECT ARRAY(
    SELECT seq FROM stretch WHERE is_old
    EXCEPT SELECT seq FROM event_stream_inbox WHERE seq = ANY (ARRAY(SELECT seq FROM stretch))
    EXCEPT SELECT seq FROM event_stream_parkedevent WHERE seq = ANY (ARRAY(SELECT seq FROM stretch))
), CASE WHEN bool_or(is_old) THEN max(seq) END FROM stretch
"""


def old_events(before: datetime, after: int, most: int) -> OldEvents:
    """Look at the next `most` events after a number for those that were received before a time and are done with."""
    with connection.cursor() as cursor:
        cursor.execute(_OLD, {"before": before, "after": after, "most": most})
        return OldEvents(*cursor.fetchone() or ([], None))


def delete_events(seqs: Collection[int]) -> int:
    """Delete events to which nothing refers any more. Returns how many. Called by state, which knows what refers."""
    if not seqs:
        return 0
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM event_stream_event WHERE seq = ANY (%b::bigint[])", (list(seqs),))
        count: int = cursor.rowcount
        return count


# Locked in the order in which the Event API locks them, so that none waits for another in a circle. Looked at twice:
# one that was renewed meanwhile stays.
_FORGET = """
WITH old AS MATERIALIZED (
    SELECT ctid FROM event_stream_seeneventid WHERE expires_at < now() ORDER BY expires_at LIMIT %s
), locked AS MATERIALIZED (
    SELECT ctid FROM event_stream_seeneventid
    WHERE ctid = ANY (ARRAY(SELECT ctid FROM old)) AND expires_at < now() ORDER BY environment_id, event_id FOR UPDATE
)
DELETE FROM event_stream_seeneventid WHERE ctid = ANY (ARRAY(SELECT ctid FROM locked)) AND expires_at < now()
"""


def forget_event_ids(most: int) -> int:
    """Forget up to `most` of the senders' ids whose time is over. Returns how many."""
    with connection.cursor() as cursor:
        cursor.execute(_FORGET, (most,))
        count: int = cursor.rowcount
        return count
