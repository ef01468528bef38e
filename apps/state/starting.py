"""Runs begin here: in bulk, and once for an event however often it is consumed."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from django.db import connection

from apps.event_stream.ids import new_ulid
from apps.state.steps import PlannedStep, plan_steps


class NewRun(NamedTuple):
    """A run to be started: the version that it is pinned to and its first steps, each with its queue."""

    environment_id: int
    function_id: int
    version_id: int
    event_seq: int
    first_steps: Sequence[tuple[str, str]]
    reason: str


_START = """
WITH wanted AS MATERIALIZED (
    SELECT * FROM unnest(%(ids)b::text[], %(environments)b::bigint[], %(functions)b::bigint[], %(versions)b::bigint[],
                         %(events)b::bigint[], %(reasons)b::text[])
      AS w (id, environment_id, function_id, version_id, event_seq, reason)
), started AS (
    INSERT INTO state_run (id, environment_id, function_id, version_id, event_seq, status, queued_at)
    SELECT id, environment_id, function_id, version_id, event_seq, 'queued', %(now)s FROM wanted
    ON CONFLICT (event_seq, function_id) DO NOTHING RETURNING id
)
INSERT INTO state_history (run_id, at, kind, step_id, reason)
SELECT wanted.id, %(now)s, 'run.queued', NULL, wanted.reason FROM wanted JOIN started USING (id)
RETURNING run_id
"""


def start_runs(runs: Sequence[NewRun], now: datetime) -> Counter[str]:
    """Start the runs that their events have not started already. Returns how many items each queue got.

    Called by the runner, in the transaction that consumes the events.
    """
    if not runs:
        return Counter()
    by_id = {new_ulid(): run for run in runs}
    with connection.cursor() as cursor:
        cursor.execute(
            _START,
            {
                "now": now,
                "ids": list(by_id),
                "environments": [run.environment_id for run in runs],
                "functions": [run.function_id for run in runs],
                "versions": [run.version_id for run in runs],
                "events": [run.event_seq for run in runs],
                "reasons": [run.reason for run in runs],
            },
        )
        started = [(row[0], by_id[row[0]]) for row in cursor.fetchall()]
    return plan_steps(
        [
            PlannedStep(run_id, step_id, run.function_id, queue)
            for run_id, run in started
            for step_id, queue in run.first_steps
        ],
        now,
    )
