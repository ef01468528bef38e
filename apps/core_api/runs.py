"""Reading runs for answers: which ones a list shows, and what is said of each."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection
from psycopg import sql

from apps.core_api.answers import Invoker, Run, RunPhase, RunStatus
from apps.core_api.run_outcomes import NOTHING, Outcome, outcomes_of
from apps.core_api.walking import Condition, Stretch, Walk, walk
from apps.datastore.models import Environment, Function

_NEWEST = "~"
"""Sorts behind every run id."""

# A run's row says `queued` until its first step has been tried, because a claim writes no run (rule 3). Whether a
# worker has it now is found by its open steps' items, by primary keys alone. Scalar queries here and in `_LOAD`, since
# an EXISTS or a join may be planned, while tables are small, to walk or hash the whole of them.
_LEASED_AT = """(
    SELECT min((SELECT leased_at FROM state_leaseditem WHERE id = step.item_id))
    FROM state_step AS step WHERE step.run_id = state_run.id AND step.status = 'open'
)"""
_SHOWN_STATUS = sql.SQL(
    f"CASE WHEN status = 'queued' AND {_LEASED_AT} IS NOT NULL THEN 'running' ELSE status END = ANY (%s::text[])"
)


def find_runs(
    environment: Environment, statuses: Sequence[RunStatus], function: Function | None, below: str | None, limit: int
) -> Stretch:
    """The ids of a page of runs, newest first; `function` and `statuses` (any, if empty) narrow it."""
    filters: list[Condition] = [(sql.SQL("environment_id = %s"), environment.pk)]
    if statuses:
        filters.append((_SHOWN_STATUS, [status.lower() for status in statuses]))
    columns: tuple[str, ...] = ("id",)
    fixed: tuple[Any, ...] = ()
    if function is not None:
        columns, fixed = ("function_id", "id"), (function.pk,)
    return walk(Walk("state_run", columns, fixed, below or _NEWEST, "", tuple(filters)), limit)


# Materialized: however the page is cut, the runs are found by their event.
_OF_EVENT = """
WITH started AS MATERIALIZED (SELECT id FROM state_run WHERE event_seq = ANY (%s::bigint[]))
SELECT id FROM started WHERE id < %s ORDER BY id DESC LIMIT %s
"""


def find_runs_of_event(event_seqs: Sequence[int], below: str | None, limit: int) -> Stretch:
    """The ids of a page of the runs that an event started, newest first."""
    with connection.cursor() as cursor:
        cursor.execute(_OF_EVENT, (list(event_seqs), below or _NEWEST, limit + 1))
        ids = [row[0] for row in cursor.fetchall()]
    return Stretch(ids[:limit], ids[limit - 1] if len(ids) > limit else None)


class RunRow(NamedTuple):
    """A run and what hangs on it, in the order of `_LOAD`."""

    id: str
    status: str
    queued_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    version_id: int
    version_number: int
    function_slug: str
    environment_id: UUID
    event_id: str | None
    invoker_id: str | None
    invoker_step_id: str | None
    phase: RunPhase | None

    @property
    def shown_status(self) -> RunStatus:
        if self.status == "queued" and self.phase == "Running":
            return "Running"
        return _SHOWN[self.status]


_SHOWN: dict[str, RunStatus] = {
    "queued": "Queued",
    "running": "Running",
    "completed": "Completed",
    "failed": "Failed",
    "cancelled": "Cancelled",
}

# What a run that goes on is doing is not in its row: it is where the items of its open steps are, and its open waits.
# Of an SDK's function, steps that only wait have no item, and the function itself has one only while it is called. (Of
# several calls at once, the newest is looked at.) Open waits are found by `ended_at`: by their status or in an order, a
# plan that was made while there were few of them may walk all that there are.
_LOAD = """
SELECT state_run.id, state_run.status, state_run.queued_at, COALESCE(state_run.started_at, doing.began_at),
       state_run.ended_at, state_run.version_id, version.number, function.slug, environment.public_id,
       (SELECT internal_id FROM event_stream_event WHERE seq = state_run.event_seq),
       state_run.invoker_id, state_run.invoker_step_id,
       CASE WHEN state_run.ended_at IS NOT NULL THEN NULL
            WHEN doing.any_leased THEN 'Running'
            WHEN doing.any_ready THEN 'Queued'
            WHEN doing.any_waiting THEN 'Waiting'
            WHEN (SELECT true FROM state_wait
                  WHERE run_id = state_run.id AND kind = 'step' AND ended_at IS NULL LIMIT 1)
            THEN 'Waiting'
            WHEN doing.any_due THEN 'Sleeping'
            ELSE 'Queued' END
FROM state_run
JOIN datastore_environment AS environment ON environment.id = state_run.environment_id
JOIN datastore_function AS function ON function.id = state_run.function_id
JOIN datastore_functionversion AS version ON version.id = state_run.version_id
CROSS JOIN LATERAL (
    SELECT min(COALESCE(started_at, leased_at)) AS began_at,
           bool_or(leased_at IS NOT NULL) AS any_leased,
           bool_or(has_item AND leased_at IS NULL AND due_at IS NULL) AS any_ready,
           bool_or(is_open AND op IN ('waitForEvent', 'waitForSignal', 'invoke')) AS any_waiting,
           bool_or(due_at IS NOT NULL) AS any_due
    FROM (
        SELECT started_at, op, status = 'open' AS is_open,
               status = 'open' AND CASE WHEN op IS NULL THEN true
                                        WHEN op = 'function' THEN calls > 0
                                        ELSE item_id <> 0 END AS has_item,
               CASE WHEN status = 'open' THEN (SELECT leased_at FROM state_leaseditem WHERE id = item_id) END
                 AS leased_at,
               CASE WHEN status = 'open' THEN (SELECT due_at FROM state_scheduleditem WHERE id = item_id) END
                 AS due_at
        FROM state_step WHERE run_id = state_run.id AND state_run.ended_at IS NULL
    ) AS step
) AS doing
WHERE state_run.id = ANY (%s::text[]) AND state_run.environment_id = %s
ORDER BY state_run.id DESC
"""


def load_runs(environment: Environment, run_ids: Sequence[str]) -> list[RunRow]:
    """Those of the runs that are the environment's, newest first."""
    with connection.cursor() as cursor:
        cursor.execute(_LOAD, (list(run_ids), environment.pk))
        return [RunRow(*row) for row in cursor.fetchall()]


def run_answers(rows: Sequence[RunRow]) -> list[Run]:
    outcomes = outcomes_of(rows)
    return [Run(**run_fields(row, outcomes.get(row.id, NOTHING))) for row in rows]


def run_fields(row: RunRow, outcome: Outcome) -> dict[str, Any]:
    """What every answer says of a run, by the fields of `answers.Run`."""
    return {
        "run_id": row.id,
        "run_started_at": row.started_at,
        "function_id": row.function_slug,
        "function_version": row.version_number,
        "environment_id": row.environment_id,
        "event_id": row.event_id,
        "event_ids": [] if row.event_id is None else [row.event_id],
        "invoked_by": None if row.invoker_id is None else Invoker(row.invoker_id, row.invoker_step_id or ""),
        "status": row.shown_status,
        "phase": row.phase,
        "queued_at": row.queued_at,
        "ended_at": row.ended_at,
        "output": outcome.output,
        "omitted": outcome.omitted,
    }
