"""Steps: planned once (rule 7), and their outputs. All in bulk; `attempts.py` ends them."""

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


def outputs_of(run_ids: Sequence[str], most_bytes: int) -> dict[str, Outputs]:
    """The outputs of the completed steps of each run that has any."""
    outputs: dict[str, Outputs] = {}
    with connection.cursor() as cursor:
        cursor.execute(_OUTPUTS, (most_bytes, list(run_ids)))
        for run_id, step_id, output, size in cursor.fetchall():
            of_run = outputs.setdefault(run_id, Outputs({}, int(size)))
            if output is not None:
                of_run.by_step[step_id] = output
    return outputs
