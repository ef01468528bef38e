"""Runs begin here: in bulk, and once for an event however often it is consumed."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from django.db import connection

from apps.event_stream.ids import new_ulids
from apps.state import teller, telling
from apps.state.ending import settle_runs
from apps.state.following import Follows, Place, planned_steps, write_down
from apps.state.wakes import Wakes
from apps.state.walking import Branch, Listening, Walked


class NewRun(NamedTuple):
    """A run to be started: the version that it is pinned to, and what follows its trigger."""

    environment_id: int
    function_id: int
    version_id: int
    event_seq: int
    reason: str
    branches: Sequence[Branch] = ()
    """Its first steps, where nothing else follows the trigger; else `walked` has them."""
    walked: Walked | None = None
    cancelling: Sequence[Listening] = ()
    """The events that cancel it."""
    invoker_id: str | None = None
    """The run that invoked it, and the step of that run that ends with it."""
    invoker_step_id: str | None = None
    is_about_runs: bool = False
    """Its event tells of the end of a run."""


_START = """
WITH wanted AS MATERIALIZED (
    SELECT * FROM unnest(%(ids)b::text[], %(environments)b::bigint[], %(functions)b::bigint[], %(versions)b::bigint[],
                         %(events)b::bigint[], %(reasons)b::text[], %(invokers)b::text[], %(invoker_steps)b::text[],
                         %(about_runs)b::boolean[])
      AS w (id, environment_id, function_id, version_id, event_seq, reason, invoker_id, invoker_step_id, is_about_runs)
), started AS (
    INSERT INTO state_run (id, environment_id, function_id, version_id, event_seq, status, queued_at, invoker_id,
                           invoker_step_id, is_about_runs)
    SELECT id, environment_id, function_id, version_id, event_seq, 'queued', %(now)s, invoker_id, invoker_step_id,
           CASE WHEN invoker_id IS NULL THEN is_about_runs
                ELSE (SELECT is_about_runs FROM state_run WHERE id = wanted.invoker_id) END
    FROM wanted
    ON CONFLICT (event_seq, function_id) DO NOTHING RETURNING id
)
INSERT INTO state_history (run_id, at, kind, step_id, reason)
SELECT wanted.id, %(now)s, 'run.queued', NULL, wanted.reason FROM wanted JOIN started USING (id)
RETURNING run_id
"""


def start_runs(runs: Sequence[NewRun], now: datetime, wakes: Wakes) -> list[str]:
    """Start the runs that their events have not started already. The ids of those that it started.

    Called by the runner, in the transaction that consumes the events, and where a function is invoked.
    """
    if not runs:
        return []
    by_id = dict(zip(new_ulids(len(runs)), runs, strict=True))
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
                "invokers": [run.invoker_id for run in runs],
                "invoker_steps": [run.invoker_step_id for run in runs],
                "about_runs": [run.is_about_runs for run in runs],
            },
        )
        started = [(row[0], by_id[row[0]]) for row in cursor.fetchall()]
    if teller.is_on():
        wakes.told += [telling.started(run_id, run.version_id, run.reason) for run_id, run in started]
    write_down(
        [_follows(run_id, run) for run_id, run in started if run.walked or run.cancelling],
        [step for run_id, run in started for step in planned_steps(run_id, run.function_id, run.branches)],
        now,
        wakes,
    )
    # A run whose first step is ready is queued until that is tried; one that waits, or has nothing to do, says so now.
    settle_runs([run_id for run_id, run in started if run.walked and not _begins_at_once(run.walked)], now, wakes)
    return [run_id for run_id, _ in started]


def _follows(run_id: str, run: NewRun) -> Follows:
    walked = run.walked or Walked()
    return Follows(
        Place(run_id, run.function_id, run.environment_id),
        walked,
        [
            *(("step", run.event_seq, wait) for wait in walked.waits),
            *(("cancel", run.event_seq, wait) for wait in run.cancelling),
        ],
    )


def _begins_at_once(walked: Walked) -> bool:
    return any(branch.due_at is None for branch in walked.steps)
