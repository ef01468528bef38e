"""What SDK functions do next is put into the queue: steps that they have asked for, and calls of the functions."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from django.db import connection

from apps.datastore.definition.types import SDK_STEP
from apps.state.wakes import Wakes
from drivers.registry import queue_for


class PlannedOp(NamedTuple):
    """A step that begins, with its item where a worker has to do with it, at once or when it is due; or a call."""

    run_id: str
    function_id: int
    step_id: str
    op: str
    name: str
    calls_again: str | None
    queue: str | None
    """None: it ends without a worker's doing."""
    due_at: datetime | None = None
    input: str | None = None
    plan_only: bool = False


CALL_QUEUE = queue_for("sdk")
CALL = PlannedOp("", 0, SDK_STEP, "function", "", None, CALL_QUEUE)
"""A call of a function; the run is to be filled in."""

# Of the steps, only one that has failed in a call of the function can be there: what is known of the runs was read with
# them locked. The arrays beside the join: by it alone, a plan that was made while the table was empty may walk all the
# steps there are.
_PLAN = """
WITH wanted AS MATERIALIZED (
    SELECT CASE WHEN queue IS NULL THEN 0 ELSE nextval('state_queue_item_id') END AS item_id, w.*
    FROM unnest(
        %(runs)b::text[], %(functions)b::bigint[], %(steps)b::text[], %(ops)b::text[], %(names)b::text[],
        %(again)b::text[], %(queues)b::text[], %(due)b::timestamptz[], %(inputs)b::text[], %(plan_only)b::boolean[]
    ) AS w (run_id, function_id, step_id, op, name, calls_again, queue, due_at, input, plan_only)
), planned AS (
    INSERT INTO state_step (run_id, step_id, op, name, status, item_id, attempts, calls_again, input, queued_at)
    SELECT run_id, step_id, op, name, 'open', item_id, 0, calls_again, input, %(now)s FROM wanted
    WHERE op <> 'function'
    ON CONFLICT (run_id, step_id) DO UPDATE
    SET op = excluded.op, item_id = excluded.item_id, calls_again = excluded.calls_again, input = excluded.input
    WHERE state_step.status = 'open'
), called AS (
    UPDATE state_step AS step SET item_id = wanted.item_id FROM wanted
    WHERE wanted.op = 'function' AND step.run_id = wanted.run_id AND step.step_id = wanted.step_id
      AND step.run_id = ANY (%(runs)b::text[]) AND step.step_id = ANY (%(steps)b::text[])
), scheduled AS (
    INSERT INTO state_scheduleditem
      (id, queue, function_id, run_id, step_id, attempt, priority, returns, plan_only, due_at)
    SELECT item_id, queue, function_id, run_id, step_id, 1, 0, 0, plan_only, due_at FROM wanted
    WHERE queue IS NOT NULL AND due_at > %(now)s
)
INSERT INTO state_readyitem (id, queue, function_id, run_id, step_id, attempt, priority, returns, plan_only)
SELECT item_id, queue, function_id, run_id, step_id, 1, 0, 0, plan_only FROM wanted
WHERE queue IS NOT NULL AND (due_at IS NULL OR due_at <= %(now)s)
RETURNING queue
"""


def plan_ops(ops: Sequence[PlannedOp], now: datetime, wakes: Wakes) -> None:
    """Insert steps and items. One statement; the runs are locked."""
    if not ops:
        return
    runs, functions, steps, kinds, names, again, queues, due, inputs, plan_only = zip(*ops, strict=True)
    with connection.cursor() as cursor:
        cursor.execute(
            _PLAN,
            {
                "now": now,
                "runs": list(runs),
                "functions": list(functions),
                "steps": list(steps),
                "ops": list(kinds),
                "names": list(names),
                "again": list(again),
                "queues": list(queues),
                "due": list(due),
                "inputs": list(inputs),
                "plan_only": list(plan_only),
            },
        )
        wakes.ready.update(row[0] for row in cursor.fetchall())
    wakes.due += [op.due_at for op in ops if op.due_at is not None and op.due_at > now]
