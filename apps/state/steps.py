"""Steps: planned once (rule 7), and their outputs. All in bulk; `attempts.py` ends them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from django.db import connection

from apps.state.queue import COLUMN_NAMES, COLUMNS
from apps.state.wakes import Wakes


class PlannedStep(NamedTuple):
    """A step that is to run, on the queue of its runtime, at once or when it is due."""

    run_id: str
    step_id: str
    function_id: int
    queue: str
    due_at: datetime | None = None
    async_seq: int | None = None
    """The event that led to it, where one was waited for."""
    may_hasten: bool = False
    """It may be planned already, for a later time."""
    op: str | None = None
    """`function` where it is the call of an SDK's function."""


# The conflict decides who queues the step: however many edges or doubled messages reach it, one row, one item.
_PLAN = """
WITH wanted AS MATERIALIZED (
    SELECT * FROM unnest(%(runs)b::text[], %(steps)b::text[], %(functions)b::bigint[], %(queues)b::text[],
                         %(due)b::timestamptz[], %(events)b::bigint[], %(ops)b::text[])
      AS w (run_id, step_id, function_id, queue, due_at, async_seq, op)
), planned AS (
    INSERT INTO state_step (run_id, step_id, status, item_id, attempts, queued_at, async_seq, op, calls)
    SELECT run_id, step_id, 'open', nextval('state_queue_item_id'), 0, %(now)s, async_seq, op,
           CASE op WHEN 'function' THEN 1 END
    FROM wanted
    ON CONFLICT DO NOTHING RETURNING run_id, step_id, item_id
), item AS MATERIALIZED (
    SELECT planned.item_id, wanted.* FROM planned JOIN wanted USING (run_id, step_id)
), scheduled AS (
    INSERT INTO state_scheduleditem (id, queue, function_id, run_id, step_id, attempt, priority, returns, due_at)
    SELECT item_id, queue, function_id, run_id, step_id, 1, 0, 0, due_at FROM item WHERE due_at > %(now)s
)
INSERT INTO state_readyitem (id, queue, function_id, run_id, step_id, attempt, priority, returns)
SELECT item_id, queue, function_id, run_id, step_id, 1, 0, 0 FROM item WHERE due_at IS NULL OR due_at <= %(now)s
RETURNING queue
"""


def plan_steps(steps: Sequence[PlannedStep], now: datetime, wakes: Wakes) -> None:
    """Insert the steps that are not there yet, each with its first item. Called with the runs locked."""
    if not steps:
        return
    soonest: dict[tuple[str, str], PlannedStep] = {}
    for step in steps:
        planned = soonest.get((step.run_id, step.step_id))
        if planned is None or (planned.due_at and (step.due_at is None or step.due_at < planned.due_at)):
            soonest[step.run_id, step.step_id] = step
    arguments = _arguments(list(soonest.values()), now)
    with connection.cursor() as cursor:
        cursor.execute(_PLAN, arguments)
        wakes.ready.update(row[0] for row in cursor.fetchall())
    wakes.due += [step.due_at for step in soonest.values() if step.due_at is not None]
    hastening = [step for step in soonest.values() if step.may_hasten]
    if hastening:
        _hasten(hastening, now, wakes)


def _arguments(steps: Sequence[PlannedStep], now: datetime) -> dict[str, Any]:
    runs, step_ids, functions, queues, due, events, _, ops = zip(*steps, strict=True)
    return {
        "runs": list(runs),
        "steps": list(step_ids),
        "functions": list(functions),
        "queues": list(queues),
        "due": list(due),
        "events": list(events),
        "ops": list(ops),
        "now": now,
    }


# Only a step that has not been tried: a retry keeps its time. An item that is being promoted at this moment is ready
# anyway. The arrays beside the joins: by them alone, an old plan may walk whole tables.
_HASTEN = f"""
WITH wanted AS MATERIALIZED (
    SELECT * FROM unnest(%(runs)b::text[], %(steps)b::text[], %(functions)b::bigint[], %(queues)b::text[],
                         %(due)b::timestamptz[], %(events)b::bigint[])
      AS w (run_id, step_id, function_id, queue, due_at, async_seq)
), later AS MATERIALIZED (
    SELECT step.item_id, wanted.run_id, wanted.step_id, wanted.due_at, wanted.async_seq
    FROM wanted, LATERAL (
        SELECT item_id FROM state_step
        WHERE run_id = wanted.run_id AND step_id = wanted.step_id AND status = 'open' AND attempts = 0 LIMIT 1
    ) AS step
), gone AS (
    DELETE FROM state_scheduleditem AS item USING later
    WHERE item.id = later.item_id AND item.id = ANY (ARRAY(SELECT item_id FROM later)) AND item.attempt = 1
      AND (later.due_at IS NULL OR later.due_at <= %(now)s)
    RETURNING {", ".join("item." + column for column in COLUMN_NAMES)}
), moved AS (
    UPDATE state_scheduleditem AS item SET due_at = later.due_at FROM later
    WHERE item.id = later.item_id AND item.id = ANY (ARRAY(SELECT item_id FROM later)) AND item.attempt = 1
      AND later.due_at > %(now)s AND later.due_at < item.due_at
    RETURNING item.id
), told AS (
    UPDATE state_step AS step SET async_seq = later.async_seq FROM later
    WHERE step.run_id = later.run_id AND step.step_id = later.step_id
      AND step.run_id = ANY (%(runs)b::text[]) AND step.step_id = ANY (%(steps)b::text[])
      AND step.item_id IN (SELECT id FROM gone UNION ALL SELECT id FROM moved)
)
INSERT INTO state_readyitem ({COLUMNS}) SELECT {COLUMNS} FROM gone RETURNING queue
"""


def _hasten(steps: Sequence[PlannedStep], now: datetime, wakes: Wakes) -> None:
    """Bring forward what waits for a later time than it is wanted now."""
    with connection.cursor() as cursor:
        cursor.execute(_HASTEN, _arguments(steps, now))
        wakes.ready.update(row[0] for row in cursor.fetchall())


class FaultyStep(NamedTuple):
    """A step that cannot be tried; `error` is JSON text."""

    run_id: str
    step_id: str
    error: str


_FAIL = """
WITH failed AS (
    INSERT INTO state_step (run_id, step_id, status, item_id, attempts, queued_at, ended_at, error)
    SELECT run_id, step_id, 'failed', 0, 0, %s, %s, error
    FROM unnest(%b::text[], %b::text[], %b::text[]) AS f (run_id, step_id, error)
    ON CONFLICT DO NOTHING RETURNING run_id, step_id
)
SELECT run_id, step_id FROM failed
"""


def fail_steps(steps: Sequence[FaultyStep], now: datetime) -> set[tuple[str, str]]:
    """Insert steps that have failed without a try. Returns those (run, step) that were not planned already."""
    if not steps:
        return set()
    with connection.cursor() as cursor:
        cursor.execute(
            _FAIL,
            (
                now,
                now,
                [step.run_id for step in steps],
                [step.step_id for step in steps],
                [step.error for step in steps],
            ),
        )
        return {(run_id, step_id) for run_id, step_id in cursor.fetchall()}


# The size of a text is known without reading it.
_OUTPUTS = """
SELECT run_id, step_id, CASE WHEN size <= %s THEN output END, size
FROM (
    SELECT run_id, step_id, output, sum(octet_length(output)) OVER (PARTITION BY run_id) AS size
    FROM state_step WHERE run_id = ANY (%b::text[]) AND status = 'completed'
) AS outputs
"""


class Outputs(NamedTuple):
    """A run's outputs so far, as JSON text by step; none of them if their `size` in bytes is over what was allowed."""

    by_step: dict[str, str]
    size: int
    completed: set[str]
    """The steps that have an output, whatever its size."""


def outputs_of(run_ids: Sequence[str], most_bytes: int) -> dict[str, Outputs]:
    """The outputs of the completed steps of each run that has any."""
    outputs: dict[str, Outputs] = {}
    with connection.cursor() as cursor:
        cursor.execute(_OUTPUTS, (most_bytes, list(run_ids)))
        for run_id, step_id, output, size in cursor.fetchall():
            of_run = outputs.setdefault(run_id, Outputs({}, int(size), set()))
            of_run.completed.add(step_id)
            if output is not None:
                of_run.by_step[step_id] = output
    return outputs
