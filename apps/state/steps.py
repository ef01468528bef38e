"""Steps: planned once, finished once (rule 7). All in bulk; every caller but `starting` holds the lock of the runs."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from django.db import connection


class PlannedStep(NamedTuple):
    """A step that is to run, on the queue of its runtime."""

    run_id: str
    step_id: str
    function_id: int
    queue: str


# The conflict decides who queues the step: however many edges or doubled messages reach it, one row, one item.
_PLAN = """
WITH wanted AS MATERIALIZED (
    SELECT * FROM unnest(%b::text[], %b::text[], %b::bigint[], %b::text[]) AS w (run_id, step_id, function_id, queue)
), planned AS (
    INSERT INTO state_step (run_id, step_id, status, item_id, attempts, queued_at)
    SELECT run_id, step_id, 'open', nextval('state_queue_item_id'), 0, %s FROM wanted
    ON CONFLICT DO NOTHING RETURNING run_id, step_id, item_id
)
INSERT INTO state_readyitem (id, queue, function_id, run_id, step_id, attempt, priority, returns)
SELECT planned.item_id, wanted.queue, wanted.function_id, planned.run_id, planned.step_id, 1, 0, 0
FROM planned JOIN wanted USING (run_id, step_id)
RETURNING queue
"""


def plan_steps(steps: Sequence[PlannedStep], now: datetime) -> Counter[str]:
    """Insert the steps that are not there yet, each with its first item. Returns how many items each queue got."""
    if not steps:
        return Counter()
    with connection.cursor() as cursor:
        cursor.execute(
            _PLAN,
            (
                [step.run_id for step in steps],
                [step.step_id for step in steps],
                [step.function_id for step in steps],
                [step.queue for step in steps],
                now,
            ),
        )
        return Counter(row[0] for row in cursor.fetchall())


class Ended(NamedTuple):
    """A step that has ended: `status` is `completed` with an output or `failed` with an error, both JSON text."""

    run_id: str
    step_id: str
    attempt: int
    status: str
    output: str | None
    error: str | None
    started_at: datetime


_END = """
UPDATE state_step AS step
SET status = e.status, output = e.output, error = e.error, attempts = e.attempt, ended_at = %s,
    started_at = COALESCE(step.started_at, e.started_at)
FROM unnest(%b::text[], %b::text[], %b::int[], %b::text[], %b::text[], %b::text[], %b::timestamptz[])
  AS e (run_id, step_id, attempt, status, output, error, started_at)
WHERE step.run_id = e.run_id AND step.step_id = e.step_id AND step.status = 'open'
"""


def end_steps(steps: Sequence[Ended], now: datetime) -> None:
    """Give the open ones among the steps their result; a step that has one keeps it."""
    if not steps:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            _END,
            (
                now,
                [step.run_id for step in steps],
                [step.step_id for step in steps],
                [step.attempt for step in steps],
                [step.status for step in steps],
                [step.output for step in steps],
                [step.error for step in steps],
                [step.started_at for step in steps],
            ),
        )


class Tried(NamedTuple):
    """One finished attempt, whatever came of it."""

    run_id: str
    step_id: str
    number: int
    ok: bool
    started_at: datetime
    error: str | None
    log: str


_TRIED = """
INSERT INTO state_attempt (run_id, step_id, number, ok, started_at, ended_at, error, log)
SELECT t.run_id, t.step_id, t.number, t.ok, t.started_at, %s, t.error, t.log
FROM unnest(%b::text[], %b::text[], %b::int[], %b::bool[], %b::timestamptz[], %b::text[], %b::text[])
  AS t (run_id, step_id, number, ok, started_at, error, log)
"""


def add_attempts(attempts: Sequence[Tried], now: datetime) -> None:
    """Keep the record of finished attempts."""
    if not attempts:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            _TRIED,
            (
                now,
                [attempt.run_id for attempt in attempts],
                [attempt.step_id for attempt in attempts],
                [attempt.number for attempt in attempts],
                [attempt.ok for attempt in attempts],
                [attempt.started_at for attempt in attempts],
                [attempt.error for attempt in attempts],
                [attempt.log for attempt in attempts],
            ),
        )


def outputs_of(run_ids: Sequence[str]) -> dict[str, dict[str, str]]:
    """The outputs so far of each run's completed steps, as JSON text by step."""
    outputs: dict[str, dict[str, str]] = {run_id: {} for run_id in run_ids}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT run_id, step_id, output FROM state_step WHERE run_id = ANY (%b::text[]) AND status = 'completed'",
            (list(run_ids),),
        )
        for run_id, step_id, output in cursor.fetchall():
            outputs[run_id][step_id] = output
    return outputs
