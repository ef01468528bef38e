"""What is over and old enough is deleted, a bounded piece a call; the chore `retention` calls until all is done.

What has to stay for long, as a run that waits for a year, is passed over: each call says where the next one goes on, so
that none is looked at twice.
"""

from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple

from django.db import connection, transaction

from apps.event_stream.ids import oldest_ulid
from apps.event_stream.retention import delete_events, old_events

SCAN = 10_000
"""Runs that one call looks at."""


class Runs(NamedTuple):
    """What became of a stretch of runs."""

    deleted: int
    ended_at: str | None
    """The id after which the next stretch begins; None if this was the last."""


# A run goes with all that belongs to it. Ids begin with their time, so the old ones are a range of the primary key.
# Locked first, in order, for two that do this at once to wait for each other and not in a circle. By arrays, not by
# joins: by a plan that was made while the tables were empty, a join may walk all of them.
_DELETE_RUNS = """
WITH stretch AS MATERIALIZED (
    SELECT id, ended_at < %(before)s AS is_old
    FROM state_run WHERE id > %(after)s AND id < %(young)s ORDER BY id LIMIT %(scan)s
), found AS MATERIALIZED (
    SELECT id FROM stretch WHERE is_old ORDER BY id LIMIT %(most)s
), old AS MATERIALIZED (
    SELECT id FROM state_run WHERE id = ANY (ARRAY(SELECT id FROM found)) ORDER BY id FOR UPDATE
), steps AS (
    DELETE FROM state_step WHERE run_id = ANY (ARRAY(SELECT id FROM old))
), attempts AS (
    DELETE FROM state_attempt WHERE run_id = ANY (ARRAY(SELECT id FROM old))
), history AS (
    DELETE FROM state_history WHERE run_id = ANY (ARRAY(SELECT id FROM old))
), waits AS (
    DELETE FROM state_wait WHERE run_id = ANY (ARRAY(SELECT id FROM old)) RETURNING id
), probes AS (
    DELETE FROM state_probe WHERE wait_id = ANY (ARRAY(SELECT id FROM waits))
), gone AS (
    DELETE FROM state_run WHERE id = ANY (ARRAY(SELECT id FROM old)) RETURNING id
)
SELECT (SELECT count(*) FROM gone),
       CASE WHEN (SELECT count(*) FROM found) = %(most)s THEN (SELECT max(id) FROM found)
            WHEN (SELECT count(*) FROM stretch) = %(scan)s THEN (SELECT max(id) FROM stretch) END
"""


def delete_old_runs(before: datetime, after: str, most: int) -> Runs:
    """Delete the next `most` runs after an id that ended before a time, with all that is theirs; fewer among SCAN."""
    young = oldest_ulid(int(before.timestamp() * 1_000))
    with connection.cursor() as cursor:
        cursor.execute(_DELETE_RUNS, {"before": before, "after": after, "young": young, "most": most, "scan": SCAN})
        return Runs(*cursor.fetchone() or (0, None))


class Events(NamedTuple):
    """What became of a stretch of events."""

    deleted: int
    ended_at: int | None
    """The number after which the next stretch begins; None if this was the last."""


@transaction.atomic
def delete_old_events(before: datetime, after: int, most: int) -> Events:
    """Look at the next `most` events after a number, and delete those that were received before a time and done with.

    An event goes with what is said of the functions that it did not start.
    """
    found = old_events(before, after, most)
    done = set(found.seqs) - _needed(found.seqs)
    if done:
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM state_notstarted WHERE event_seq = ANY (%b::bigint[])", (list(done),))
    return Events(delete_events(done), found.ended_at)


_NEEDED = """
SELECT event_seq FROM state_run WHERE event_seq = ANY (%(seqs)b::bigint[])
UNION ALL SELECT async_seq FROM state_step WHERE async_seq = ANY (%(seqs)b::bigint[])
UNION ALL SELECT seq FROM state_wideevent WHERE seq = ANY (%(seqs)b::bigint[])
"""


def _needed(seqs: Collection[int]) -> set[int]:
    """The events that have a run, that led to a step of a run that is still there, or that have waits to resume."""
    if not seqs:
        return set()
    with connection.cursor() as cursor:
        cursor.execute(_NEEDED, {"seqs": list(seqs)})
        return {row[0] for row in cursor.fetchall()}


# Locked in the order in which `guards.ask` locks them, so that none waits for another in a circle. Looked at twice:
# one that was renewed meanwhile stays.
_DELETE_GUARDS = """
WITH old AS MATERIALIZED (
    SELECT ctid FROM state_startguard WHERE expires_at < now() ORDER BY expires_at LIMIT %s
), locked AS MATERIALIZED (
    SELECT ctid FROM state_startguard
    WHERE ctid = ANY (ARRAY(SELECT ctid FROM old)) AND expires_at < now() ORDER BY function_id, kind, key FOR UPDATE
)
DELETE FROM state_startguard WHERE ctid = ANY (ARRAY(SELECT ctid FROM locked)) AND expires_at < now()
"""


def delete_old_guards(most: int) -> int:
    """Delete up to `most` of the start guards whose window is over. Returns how many."""
    with connection.cursor() as cursor:
        cursor.execute(_DELETE_GUARDS, (most,))
        count: int = cursor.rowcount
        return count
