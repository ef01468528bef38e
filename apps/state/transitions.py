"""The verbs that change a run's status. Nobody else does (rule 9).

Rule 6: a transaction that finishes or cancels begins with `lock_runs`, a statement of its own; what it decides on is
read after it. Lock order: run → step → item → wait.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from django.db import connection, transaction

from apps.state.history import Entry, add_history


class LockedRuns(NamedTuple):
    """The runs whose lock we hold and that have not ended, and the transaction's time."""

    open: set[str]
    now: datetime | None


def lock_runs(run_ids: Sequence[str]) -> LockedRuns:
    """Lock the runs, in the order of their ids, so that two transactions never wait for each other."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, ended_at IS NULL, now() FROM state_run WHERE id = ANY (%b::text[]) ORDER BY id FOR UPDATE",
            (sorted(set(run_ids)),),
        )
        rows = cursor.fetchall()
    return LockedRuns({run_id for run_id, is_open, _ in rows if is_open}, rows[0][2] if rows else None)


# Read after the lock: of two last branches finishing at once, the second sees what the first has written. The runs are
# named twice: by the join alone, a plan that was made while the table was empty may walk all the runs there are.
# A run that ends listens for nothing any more. Its open waits are found by `ended_at`: by their status, a plan that was
# made while there were few open waits may walk all of those.
_ADVANCE = """
WITH changed AS (
    UPDATE state_run AS run
    SET status = told.status,
        started_at = COALESCE(run.started_at, told.started_at),
        ended_at = CASE WHEN told.status = 'running' THEN NULL ELSE %(now)s END
    FROM (
        SELECT asked.run_id, steps.started_at,
               CASE WHEN steps.any_open OR steps.any_wait THEN 'running'
                    WHEN steps.any_failed THEN 'failed'
                    ELSE 'completed' END AS status
        FROM unnest(%(runs)b::text[]) AS asked (run_id), LATERAL (
            SELECT min(started_at) AS started_at,
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
    RETURNING run.id, run.status
), deaf AS (
    UPDATE state_wait SET status = 'cancelled', ended_at = %(now)s
    WHERE run_id = ANY (ARRAY(SELECT id FROM changed WHERE status <> 'running')) AND ended_at IS NULL
)
INSERT INTO state_history (run_id, at, kind, step_id, reason)
SELECT id, %(now)s, 'run.' || status, NULL,
       CASE status WHEN 'completed' THEN 'every step that was reached has completed'
                   ELSE 'a step failed for good, and nothing is left to run' END
FROM changed WHERE status <> 'running'
RETURNING run_id, kind, reason
"""


def advance_runs(run_ids: Sequence[str], now: datetime) -> list[Entry]:
    """Start the locked runs of which something was tried or waits, and complete or fail those of which nothing is open.

    Returns what it added to the history: the runs that ended.
    """
    if not run_ids:
        return []
    with connection.cursor() as cursor:
        cursor.execute(_ADVANCE, {"runs": list(run_ids), "now": now})
        return [Entry(run_id, kind, reason) for run_id, kind, reason in cursor.fetchall()]


def cancel_run(run_id: str, reason: str) -> bool:
    """Cancel a run and what of it is open; a step that is running loses its result. False if the run had ended."""
    with transaction.atomic():
        locked = lock_runs([run_id])
        if run_id not in locked.open or locked.now is None:
            return False
        cancel_runs({run_id: reason}, locked.now)
    return True


def cancel_runs(reasons: Mapping[str, str], now: datetime) -> None:
    """Cancel runs, each for its reason. Called with them locked, and none of them ended."""
    if not reasons:
        return
    run_ids = list(reasons)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE state_run SET status = 'cancelled', ended_at = %s WHERE id = ANY (%b::text[])", (now, run_ids)
        )
        cursor.execute(
            "UPDATE state_step SET status = 'cancelled', ended_at = %s WHERE run_id = ANY (%b::text[])"
            " AND status = 'open' RETURNING item_id",
            (now, run_ids),
        )
        items = [row[0] for row in cursor.fetchall()]
        # In the direction in which items move, a statement each: one that is moved meanwhile is met in the next table.
        # One that comes back from a lost lease at this moment is dropped when it is claimed. A leased one is left to
        # its worker.
        for table in ("state_scheduleditem", "state_readyitem"):
            cursor.execute(f"DELETE FROM {table} WHERE id = ANY (%b::bigint[])", (items,))
        cursor.execute(
            "UPDATE state_wait SET status = 'cancelled', ended_at = %s WHERE run_id = ANY (%b::text[])"
            " AND ended_at IS NULL",
            (now, run_ids),
        )
    add_history([Entry(run_id, "run.cancelled", reason) for run_id, reason in reasons.items()], now)
