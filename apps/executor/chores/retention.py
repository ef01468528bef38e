"""Chore: delete what is older than it has to be kept, in small transactions (rule 16)."""

import time

from django.conf import settings
from django.db import connection

from apps.doorbell.stopping import stopping
from apps.event_stream.ids import oldest_ulid

AT_ONCE = 1_000

# A run goes with all that belongs to it. Ids begin with their time, so the old ones are a range of the primary key.
_RUNS = """
WITH old AS (
    SELECT id FROM state_run WHERE id < %(before)s AND ended_at < now() - make_interval(days => %(days)s)
    ORDER BY id LIMIT %(most)s
), steps AS (DELETE FROM state_step WHERE run_id IN (SELECT id FROM old)),
   attempts AS (DELETE FROM state_attempt WHERE run_id IN (SELECT id FROM old)),
   history AS (DELETE FROM state_history WHERE run_id IN (SELECT id FROM old))
DELETE FROM state_run WHERE id IN (SELECT id FROM old)
"""
# An event stays as long as it is to be consumed, is parked, or has a run.
_EVENTS = """
WITH old AS (
    SELECT seq FROM event_stream_event AS event
    WHERE internal_id < %(before)s AND received_at < now() - make_interval(days => %(days)s)
      AND NOT EXISTS (SELECT FROM event_stream_inbox WHERE seq = event.seq)
      AND NOT EXISTS (SELECT FROM event_stream_parkedevent WHERE seq = event.seq)
      AND NOT EXISTS (SELECT FROM state_run WHERE event_seq = event.seq)
    ORDER BY internal_id LIMIT %(most)s
)
DELETE FROM event_stream_event WHERE seq IN (SELECT seq FROM old)
"""
_SEEN = """
DELETE FROM event_stream_seeneventid WHERE (environment_id, event_id) IN (
    SELECT environment_id, event_id FROM event_stream_seeneventid WHERE expires_at < now() LIMIT %(most)s
) AND expires_at < now() -- again: one that was renewed meanwhile stays
"""


def delete_old() -> None:
    """Delete ended runs and events older than RETENTION_DAYS, and event ids whose time is over."""
    for statement in (_RUNS, _EVENTS, _SEEN):
        while _delete(statement) == AT_ONCE and not stopping.is_set():
            pass


def _delete(statement: str) -> int:
    before = oldest_ulid((int(time.time()) - settings.RETENTION_DAYS * 86_400) * 1_000)
    with connection.cursor() as cursor:
        cursor.execute(statement, {"days": settings.RETENTION_DAYS, "most": AT_ONCE, "before": before})
        count: int = cursor.rowcount
        return count
