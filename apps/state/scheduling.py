"""Items that are due later, and their turn to be ready."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from django.db import connection

from apps.state.queue import COLUMN_NAMES, COLUMNS

PROMOTE_AT_ONCE = 1_000
"""How many rows one statement moves: nothing unbounded in a transaction (rule 16)."""


class Retry(NamedTuple):
    """The next attempt of a step that failed."""

    run_id: str
    step_id: str
    function_id: int
    queue: str
    attempt: int
    due_at: datetime
    started_at: datetime
    """When the attempt that failed began."""
    since_seq: int
    plan_only: bool = False


# The step follows its current item, and counts the attempts that have ended. The arrays beside the join: by it alone, a
# plan that was made while the table was empty may walk all the steps there are.
_SCHEDULE = """
WITH retry AS MATERIALIZED (
    SELECT nextval('state_queue_item_id') AS id, r.*
    FROM unnest(%(runs)b::text[], %(steps)b::text[], %(functions)b::bigint[], %(queues)b::text[],
                %(attempts)b::int[], %(due)b::timestamptz[], %(started)b::timestamptz[], %(since)b::bigint[],
                %(plan_only)b::boolean[])
      AS r (run_id, step_id, function_id, queue, attempt, due_at, started_at, since_seq, plan_only)
), step AS (
    UPDATE state_step SET item_id = retry.id,
        attempts = CASE op WHEN 'function' THEN attempts ELSE GREATEST(attempts, retry.attempt - 1) END,
        started_at = COALESCE(state_step.started_at, retry.started_at)
    FROM retry WHERE state_step.run_id = retry.run_id AND state_step.step_id = retry.step_id
      AND state_step.run_id = ANY (%(runs)b::text[]) AND state_step.step_id = ANY (%(steps)b::text[])
)
INSERT INTO state_scheduleditem
  (id, queue, function_id, run_id, step_id, attempt, priority, returns, since_seq, plan_only, due_at)
SELECT id, queue, function_id, run_id, step_id, attempt, 0, 0, since_seq, plan_only, due_at FROM retry
"""


def schedule_retries(retries: Sequence[Retry]) -> None:
    """Queue the next attempts for when they are due. Called with the runs locked."""
    if not retries:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            _SCHEDULE,
            {
                "runs": [retry.run_id for retry in retries],
                "steps": [retry.step_id for retry in retries],
                "functions": [retry.function_id for retry in retries],
                "queues": [retry.queue for retry in retries],
                "attempts": [retry.attempt for retry in retries],
                "due": [retry.due_at for retry in retries],
                "started": [retry.started_at for retry in retries],
                "since": [retry.since_seq for retry in retries],
                "plan_only": [retry.plan_only for retry in retries],
            },
        )


class Postponed(NamedTuple):
    """A leased item that is to be tried again later as it is: what runs it was away."""

    item_id: int
    worker_id: int
    due_at: datetime


# In a row its workers died; this one lived.
_POSTPONE = f"""
WITH mine AS (
    DELETE FROM state_leaseditem AS leased
    USING unnest(%b::bigint[], %b::bigint[], %b::timestamptz[]) AS held (id, worker_id, due_at)
    WHERE leased.id = held.id AND leased.worker_id = held.worker_id
    RETURNING {", ".join(f"leased.{name}" for name in COLUMN_NAMES)}, leased.worker_id, held.due_at
), moved AS (
    INSERT INTO state_scheduleditem ({COLUMNS}, due_at)
    SELECT {", ".join("0" if name == "returns" else name for name in COLUMN_NAMES)}, due_at FROM mine
)
SELECT id, worker_id FROM mine
"""


def postpone(items: Sequence[Postponed]) -> set[tuple[int, int]]:
    """End the leases and have the same attempts tried again when they are due. Says whose lease (item, worker) still
    held; whoever is not among them must stop quietly. Called with the runs locked, and open."""
    with connection.cursor() as cursor:
        cursor.execute(_POSTPONE, tuple(map(list, zip(*items, strict=True))))
        return {(item, worker) for item, worker in cursor.fetchall()}


_PROMOTE = f"""
WITH due AS (
    SELECT id FROM state_scheduleditem WHERE due_at <= now()
    ORDER BY due_at LIMIT %s FOR UPDATE SKIP LOCKED
), gone AS (
    DELETE FROM state_scheduleditem WHERE id = ANY (ARRAY(SELECT id FROM due)) RETURNING {COLUMNS}
)
INSERT INTO state_readyitem ({COLUMNS}) SELECT {COLUMNS} FROM gone RETURNING queue
"""


def promote_due() -> Counter[str]:
    """Make ready what is due, at most PROMOTE_AT_ONCE items. Returns how many for each queue."""
    with connection.cursor() as cursor:
        cursor.execute(_PROMOTE, (PROMOTE_AT_ONCE,))
        return Counter(row[0] for row in cursor.fetchall())
