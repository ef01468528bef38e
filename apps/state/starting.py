"""Runs begin here: in bulk, and once for an event however often it is consumed."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from django.db import connection

from apps.event_stream.ids import new_ulid
from apps.state.history import Entry, add_history
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
INSERT INTO state_run (id, environment_id, function_id, version_id, event_seq, status, queued_at)
SELECT n.id, n.environment_id, n.function_id, n.version_id, n.event_seq, 'queued', %s
FROM unnest(%b::text[], %b::bigint[], %b::bigint[], %b::bigint[], %b::bigint[])
  AS n (id, environment_id, function_id, version_id, event_seq)
ON CONFLICT (event_seq, function_id) DO NOTHING RETURNING id
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
            (
                now,
                list(by_id),
                [run.environment_id for run in runs],
                [run.function_id for run in runs],
                [run.version_id for run in runs],
                [run.event_seq for run in runs],
            ),
        )
        started = [(row[0], by_id[row[0]]) for row in cursor.fetchall()]
    queued = plan_steps(
        [
            PlannedStep(run_id, step_id, run.function_id, queue)
            for run_id, run in started
            for step_id, queue in run.first_steps
        ],
        now,
    )
    add_history([Entry(run_id, "run.queued", run.reason) for run_id, run in started], now)
    return queued
