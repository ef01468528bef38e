"""Timers: many steps that are due in the same second, and when the last of them has run."""

import time
from datetime import UTC, datetime, timedelta

from psycopg import ClientCursor

from apps.event_stream.ids import oldest_ulid
from bench.functions import ONE_STEP
from bench.ours import Database
from bench.stage import Stage
from bench.watching import Watch

_DAY_MS = 86_400_000
_INSERT_RATE = 5_000
"""Rows a second that can be inserted on any machine; the timers are set so far ahead."""

_RUN_ID = "%(past)s || lpad(upper(to_hex(n)), 16, '0')"
_EVERY = "FROM generate_series(1, %(count)s) AS n, datastore_function AS function WHERE function.slug = %(function)s"
_EVENTS = f"""
INSERT INTO event_stream_event (seq, internal_id, environment_id, name, payload, received_at, duplicate)
SELECT -20000000 - %(turn)s - n, {_RUN_ID}, function.environment_id, 'bench/past',
       '{{"name":"bench/past","data":{{"n":1}},"user":{{}},"ts":1}}', now(), false {_EVERY}
"""
_RUNS = f"""
INSERT INTO state_run (id, environment_id, function_id, version_id, event_seq, status, queued_at)
SELECT {_RUN_ID}, function.environment_id, function.id, function.live_version_id, -20000000 - %(turn)s - n, 'running',
       now() {_EVERY}
"""
_ITEMS = f"""
WITH step AS (
    INSERT INTO state_step (run_id, step_id, status, item_id, attempts, queued_at)
    SELECT {_RUN_ID}, 'call', 'open', nextval('state_queue_item_id'), 0, now() {_EVERY} RETURNING run_id, item_id
)
INSERT INTO state_scheduleditem (id, queue, function_id, run_id, step_id, attempt, priority, returns, due_at)
SELECT step.item_id, 'steps', function.id, step.run_id, 'call', 1, 0, 0, %(due_at)s
FROM step, datastore_function AS function WHERE function.slug = %(function)s
"""
_TABLES = "event_stream_event, state_run, state_step, state_scheduleditem"


def due_at_once(stage: Stage, timers: int, database: Database) -> float:
    """Seconds from the moment at which all are due until the last one's step has run and its run has ended."""
    watch = Watch(stage, database)
    due_at = datetime.now(UTC) + timedelta(seconds=10 + timers / _INSERT_RATE)
    turn = int(time.monotonic() * 1_000) % 1_000_000 * 1_000_000
    past = oldest_ulid(int(time.time() * 1_000) - _DAY_MS)[:10]
    arguments = {
        "past": past,
        "function": ONE_STEP,
        "count": timers,
        "due_at": due_at,
        "turn": turn,
    }
    with ClientCursor(database) as cursor:
        for statement in (_EVENTS, _RUNS, _ITEMS):
            cursor.execute(statement, arguments)
        cursor.execute(f"VACUUM (ANALYZE) {_TABLES}")
        cursor.execute("CHECKPOINT")
    began = time.monotonic() + (due_at - datetime.now(UTC)).total_seconds()
    watch.wait_calls(timers)
    took = watch.wait_idle() - began
    watch.check_due(timers, past)
    return took
