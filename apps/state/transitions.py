"""The verbs that change a run's status. Nobody else does (rule 9).

Rule 6: a transaction that finishes or cancels begins with `lock_runs`, a statement of its own; what it decides on is
read after it. Lock order: run → step → item → wait.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from django.db import connection

from apps.state.history import Entry, add_history
from apps.state.queue import remove_items


class LockedRuns(NamedTuple):
    """The runs whose lock we hold and that have not ended, those of them that have not begun, and the transaction's
    time."""

    open: set[str]
    queued: set[str]
    now: datetime | None


# With those that invoked them, which go on when these end. Who invoked a run never changes.
_LOCK = """
SELECT id, status, now() FROM state_run
WHERE id = ANY (%(runs)b::text[] || ARRAY(
    SELECT invoker_id FROM state_run WHERE id = ANY (%(runs)b::text[]) AND invoker_id IS NOT NULL))
ORDER BY id FOR UPDATE
"""


def lock_runs(run_ids: Sequence[str]) -> LockedRuns:
    """Lock the runs and those that invoked them, in the order of their ids, so that two transactions never wait for
    each other in a circle."""
    with connection.cursor() as cursor:
        cursor.execute(_LOCK, {"runs": sorted(set(run_ids))})
        rows = cursor.fetchall()
    return LockedRuns(
        {run_id for run_id, status, _ in rows if status in _OPEN},
        {run_id for run_id, status, _ in rows if status == "queued"},
        rows[0][2] if rows else None,
    )


_OPEN = {"queued", "running"}


# Whether anybody is to hear of the end of a run: the run that invoked it, or whoever listens for `inngest/function.*`
# at this moment. Scalar queries, so that each look-up keeps to its key.
_LISTENED = """
  (SELECT true FROM datastore_eventtrigger AS listener
   WHERE listener.environment_id = run.environment_id
     AND listener.event_name = ANY (ARRAY['inngest/function.finished', 'inngest/function.' || run.status]) LIMIT 1),
  (SELECT true FROM state_wait AS wait
   WHERE wait.environment_id = run.environment_id
     AND wait.event_name = ANY (ARRAY['inngest/function.finished', 'inngest/function.' || run.status])
     AND wait.status = 'open' LIMIT 1)
"""
_CONCERNS = f"COALESCE(run.invoker_id IS NOT NULL OR NULL, {_LISTENED}, false)"

# Read after the lock: of two last branches finishing at once, the second sees what the first has written. The runs are
# named twice: by the join alone, a plan that was made while the table was empty may walk all the runs there are.
# A run that ends listens for nothing any more. Its open waits are found by `ended_at`: by their status, a plan that was
# made while there were few open waits may walk all of those.
_ADVANCE = f"""
WITH changed AS (
    UPDATE state_run AS run
    SET status = told.status,
        started_at = COALESCE(run.started_at, told.started_at),
        ended_at = CASE WHEN told.status = 'running' THEN NULL ELSE %(now)s END
    FROM (
        SELECT asked.run_id, steps.started_at,
               CASE WHEN steps.returned THEN 'completed'
                    WHEN steps.raised THEN 'failed'
                    WHEN steps.any_open OR steps.any_wait THEN 'running'
                    WHEN steps.any_failed THEN 'failed'
                    ELSE 'completed' END AS status,
               steps.is_sdk
        FROM unnest(%(runs)b::text[]) AS asked (run_id), LATERAL (
            SELECT min(started_at) AS started_at,
                   COALESCE(bool_or(op = 'function'), false) AS is_sdk,
                   COALESCE(bool_or(op = 'function' AND status = 'completed'), false) AS returned,
                   COALESCE(bool_or(op = 'function' AND status = 'failed'), false) AS raised,
                   COALESCE(bool_or(status = 'open'), false) AS any_open,
                   COALESCE(bool_or(status = 'failed'), false) AS any_failed,
                   COALESCE((SELECT true FROM state_wait AS wait
                             WHERE wait.run_id = asked.run_id AND wait.ended_at IS NULL AND wait.kind = 'step' LIMIT 1),
                            false) AS any_wait
            FROM state_step WHERE run_id = asked.run_id
        ) AS steps
    ) AS told
    WHERE run.id = told.run_id AND run.id = ANY (%(runs)b::text[])
      AND run.status IN ('queued', 'running') AND run.status <> told.status
    RETURNING run.id, run.status, told.is_sdk, {_CONCERNS} AS concerns
), deaf AS (
    UPDATE state_wait SET status = 'cancelled', ended_at = %(now)s
    WHERE run_id = ANY (ARRAY(SELECT id FROM changed WHERE status <> 'running')) AND ended_at IS NULL
), told AS (
    INSERT INTO state_history (run_id, at, kind, step_id, reason)
    SELECT id, %(now)s, 'run.' || status, NULL,
           CASE WHEN is_sdk AND status = 'completed' THEN 'the function returned'
                WHEN is_sdk THEN 'the function failed'
                WHEN status = 'completed' THEN 'every step that was reached has completed'
                ELSE 'a step failed for good, and nothing is left to run' END
    FROM changed WHERE status <> 'running'
    RETURNING run_id, kind, reason
)
SELECT told.run_id, told.kind, told.reason, changed.concerns FROM told JOIN changed ON changed.id = told.run_id
"""


class Advanced(NamedTuple):
    """What was added to the history for runs that ended, and those of them whose end concerns others."""

    history: list[Entry]
    concerning: list[str]


def advance_runs(run_ids: Sequence[str], now: datetime) -> Advanced:
    """Start the locked runs of which something was tried or waits, and complete or fail those of which nothing is open.

    An SDK's function decides for its run. Called by `ending.settle_runs`, which tells those whom the end concerns.
    """
    if not run_ids:
        return Advanced([], [])
    with connection.cursor() as cursor:
        cursor.execute(_ADVANCE, {"runs": list(run_ids), "now": now})
        rows = cursor.fetchall()
    return Advanced(
        [Entry(run_id, kind, reason) for run_id, kind, reason, _ in rows],
        [run_id for run_id, _, _, concerns in rows if concerns],
    )


def cancel_runs(reasons: Mapping[str, str], now: datetime) -> list[str]:
    """Cancel runs, each for its reason. Called with them locked, and none of them ended, by `ending.end_cancelled`.

    Returns those whose end concerns others.
    """
    if not reasons:
        return []
    run_ids = list(reasons)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE state_run AS run SET status = 'cancelled', ended_at = %s WHERE id = ANY (%b::text[])"
            f" RETURNING id, {_CONCERNS}",
            (now, run_ids),
        )
        concerning = [run_id for run_id, concerns in cursor.fetchall() if concerns]
    cancel_steps(run_ids, now)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE state_wait SET status = 'cancelled', ended_at = %s WHERE run_id = ANY (%b::text[])"
            " AND ended_at IS NULL",
            (now, run_ids),
        )
    add_history([Entry(run_id, "run.cancelled", reason) for run_id, reason in reasons.items()], now)
    return concerning


def cancel_steps(run_ids: Sequence[str], now: datetime) -> None:
    """Cancel the open steps of runs that end, and their items."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE state_step SET status = 'cancelled', ended_at = %s, input = NULL WHERE run_id = ANY (%b::text[])"
            " AND status = 'open' RETURNING item_id",
            (now, list(run_ids)),
        )
        items = [row[0] for row in cursor.fetchall()]
    remove_items(items)
