"""A server with a past and a future: a million finished runs, a million steps that are due in a year."""

import time
from datetime import UTC, datetime, timedelta

from psycopg import ClientCursor

from apps.event_stream.ids import oldest_ulid
from bench.functions import ONE_STEP
from bench.ours import Database

_DAY_MS = 86_400_000

# Ids like those of yesterday (hexadecimal digits are digits of a ULID too), event numbers below all real ones.
_RUN_ID = "%(past)s || lpad(upper(to_hex(%(offset)s + n)), 16, '0')"
_EVERY = "FROM generate_series(1, %(count)s) AS n"
_FUNCTION = "(SELECT * FROM datastore_function WHERE slug = %(function)s) AS function"

_EVENTS = f"""
INSERT INTO event_stream_event (seq, internal_id, environment_id, name, payload, received_at, duplicate)
SELECT -(%(offset)s + n), {_RUN_ID}, function.environment_id, 'bench/past',
       '{{"name":"bench/past","data":{{"id":"7","email":"someone@example.com","plan":"free"}},"user":{{}},"ts":1}}',
       now() - interval '1 day', false
{_EVERY}, {_FUNCTION}
"""
_RUNS = f"""
INSERT INTO state_run (id, environment_id, function_id, version_id, event_seq, status, queued_at, started_at, ended_at)
SELECT {_RUN_ID}, function.environment_id, function.id, function.live_version_id, -(%(offset)s + n), %(run_status)s,
       now() - interval '1 day', now() - interval '1 day', %(ended_at)s
{_EVERY}, {_FUNCTION}
"""
_DONE_STEPS = f"""
INSERT INTO state_step (run_id, step_id, status, item_id, attempts, output, queued_at, started_at, ended_at)
SELECT {_RUN_ID}, 'call', 'completed', nextval('state_queue_item_id'), 1, '{{"ok":true}}',
       now() - interval '1 day', now() - interval '1 day', now() - interval '1 day'
{_EVERY}
"""
_ATTEMPTS = f"""
INSERT INTO state_attempt (run_id, step_id, number, ok, started_at, ended_at, log)
SELECT {_RUN_ID}, 'call', 1, true, now() - interval '1 day', now() - interval '1 day', '' {_EVERY}
"""
_HISTORY = f"""
INSERT INTO state_history (run_id, at, kind, step_id, reason)
SELECT {_RUN_ID}, now() - interval '1 day', line.kind, line.step_id, line.reason
{_EVERY}, (VALUES ('run.queued', NULL, 'event bench/past'), ('step.completed', 'call', 'attempt 1 succeeded'),
                  ('run.completed', NULL, 'every step has completed')) AS line (kind, step_id, reason)
"""
# Their first attempt failed; the second one is due in a year.
_ITEMS = f"""
WITH step AS (
    INSERT INTO state_step (run_id, step_id, status, item_id, attempts, queued_at, started_at)
    SELECT {_RUN_ID}, 'call', 'open', nextval('state_queue_item_id'), 1, now() - interval '1 day',
           now() - interval '1 day'
    {_EVERY} RETURNING run_id, step_id, item_id
)
INSERT INTO state_scheduleditem (id, queue, function_id, run_id, step_id, attempt, priority, returns, due_at)
SELECT step.item_id, 'steps', function.id, step.run_id, step.step_id, 2, 0, 0,
       now() + interval '1 year' + random() * interval '30 days'
FROM step, {_FUNCTION}
"""

_FINISHED = (_EVENTS, _RUNS, _DONE_STEPS, _ATTEMPTS, _HISTORY)
_SCHEDULED = (_EVENTS, _RUNS, _ITEMS)
_TABLES = "event_stream_event, state_run, state_step, state_attempt, state_history, state_scheduleditem"


def make_backlog(database: Database, count: int) -> None:
    """Insert `count` finished runs with all that belongs to one, and `count` runs whose next attempt is scheduled."""
    began = time.monotonic()
    print(f"  {count:,} finished runs and {count:,} scheduled items", end="", flush=True)
    base = {
        "past": oldest_ulid(int(time.time() * 1_000) - _DAY_MS)[:10],
        "function": ONE_STEP,
        "count": count,
    }
    # Bound by the client: one text serves both kinds of runs, whatever its parameters' types.
    with ClientCursor(database) as cursor:
        for statement in _FINISHED:
            cursor.execute(
                statement,
                {**base, "offset": 0, "run_status": "completed", "ended_at": datetime.now(UTC) - timedelta(days=1)},
            )
        for statement in _SCHEDULED:
            cursor.execute(statement, {**base, "offset": count, "run_status": "running", "ended_at": None})
        # What autovacuum would do in its own time must not fall into the measures.
        cursor.execute(f"VACUUM (ANALYZE) {_TABLES}")
        cursor.execute("CHECKPOINT")
    print(f"  inserted in {time.monotonic() - began:.0f} s")
