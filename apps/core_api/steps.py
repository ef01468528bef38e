"""Reading a run's steps and their tries for answers."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from django.db import connection

from apps.core_api.answers import RunWithSteps, Step, StepStatus, Try, WaitsFor
from apps.core_api.rendering import raw
from apps.core_api.run_outcomes import MAX_BYTES, NOTHING, definitions_of, outcomes_of
from apps.core_api.runs import RunRow, run_fields
from apps.core_api.sdk_steps import OPS, TRIED, load_waits_for
from apps.core_api.sdk_steps import WAITING as WAITING_OPS
from apps.core_api.unreached import load_reached, load_unreached
from apps.core_api.waits import load_waits
from apps.datastore.definition.types import SDK_STEP
from apps.state.history import WAITING, waits

_TRIES = """
WITH measured AS (
    SELECT *, octet_length(log) + COALESCE(octet_length(error), 0) AS bytes
    FROM state_attempt WHERE run_id = %s AND step_id = ANY (%s::text[])
), placed AS (
    SELECT *, sum(bytes) OVER (ORDER BY step_id, number) - bytes < %s AS fits FROM measured
)
SELECT step_id, number, ok, started_at, ended_at,
       CASE WHEN fits THEN error END, CASE WHEN fits THEN log END, NOT fits
FROM placed ORDER BY step_id, number
"""

# Every step if none is named: a step's id is never NULL. An SDK's function is no step of itself. Of its steps, one that
# failed in a call of the function is tried again with that call, and is where that call's item is.
_STEPS = f"""
WITH measured AS (
    SELECT *, COALESCE(octet_length(output), 0) + COALESCE(octet_length(error), 0) AS bytes
    FROM state_step
    WHERE run_id = %s AND step_id = COALESCE(%s::text, step_id) AND op IS DISTINCT FROM 'function'
), placed AS (
    SELECT *, sum(bytes) OVER (ORDER BY queued_at, name, step_id) - bytes < %s AS fits,
           CASE WHEN status <> 'open' THEN NULL
                WHEN op = 'run' AND calls_again IS NULL
                THEN (SELECT item_id FROM state_step AS call
                      WHERE call.run_id = measured.run_id AND call.step_id = '{SDK_STEP}')
                ELSE item_id END AS at_item
    FROM measured
)
SELECT step.step_id, step.op, step.name, step.status, step.attempts,
       CASE WHEN fits THEN step.output END, CASE WHEN fits THEN step.error END,
       step.queued_at, step.started_at, step.ended_at,
       (SELECT leased_at FROM state_leaseditem WHERE id = step.at_item),
       (SELECT due_at FROM state_scheduleditem WHERE id = step.at_item),
       (SELECT internal_id FROM event_stream_event WHERE seq = step.async_seq),
       NOT fits
FROM placed AS step
ORDER BY step.queued_at, step.name, step.step_id
"""


_SAID = "SELECT step_id, reason FROM state_history WHERE run_id = %s AND kind = %s ORDER BY id"


class StepRow(NamedTuple):
    """A step and where the item of its current attempt is, in the order of `_STEPS`."""

    id: str
    op: str | None
    name: str | None
    status: str
    attempts: int
    output: str | None
    error: str | None
    queued_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    leased_at: datetime | None
    due_at: datetime | None
    event_id: str | None
    omitted: bool


_SHOWN: dict[str, StepStatus] = {"completed": "Completed", "failed": "Failed", "cancelled": "Cancelled"}


def _shown_status(row: StepRow) -> StepStatus:
    if row.status in _SHOWN:
        return _SHOWN[row.status]
    if row.op in WAITING_OPS:
        return "Waiting"
    if row.leased_at is not None:
        return "Running"
    if row.due_at is not None:
        return "Retrying" if row.attempts else "Sleeping"
    return "Queued"


class LoadedSteps(NamedTuple):
    """A run's steps, and the tries of its function itself, where an SDK serves it."""

    steps: list[Step]
    function_tries: list[Try]


def load_steps(run: RunRow, step_id: str | None = None) -> LoadedSteps:
    """The run's steps, or the one: those that were reached, in the order in which they were, then all others.

    What an SDK's function has not reached is not known.
    """
    definition = definitions_of([run.version_id]).get(run.version_id)
    is_sdk = definition is not None and definition.sdk is not None
    # Read first: a step that is reached meanwhile is among the rows, and is not said to be still to come.
    reached = None if definition is None or is_sdk else load_reached(run.id)
    with connection.cursor() as cursor:
        cursor.execute(_STEPS, (run.id, step_id, MAX_BYTES))
        rows = [StepRow(*row) for row in cursor.fetchall()]
    tries = _load_tries(run.id, [row.id for row in rows] + [SDK_STEP] * is_sdk)
    if is_sdk:
        waits_for = load_waits_for(run.id, step_id) if any(row.op in WAITING_OPS for row in rows) else {}
        return LoadedSteps([_sdk_step(row, tries[row.id], waits_for.get(row.id)) for row in rows], tries[SDK_STEP])
    names = {} if definition is None else {declared.id: declared.name for declared in definition.steps.values()}
    held_up = _load_held_up(run.id, rows)
    steps = [_step(row, names.get(row.id, row.id), tries[row.id], held_up.get(row.id)) for row in rows]
    there = {row.id for row in rows}
    if definition is not None and reached is not None:
        unreached = load_unreached(run.id, definition, reached)
        steps += [step for step in unreached if step.id not in there and step_id in (None, step.id)]
    return LoadedSteps(steps, [])


def _load_held_up(run_id: str, rows: Sequence[StepRow]) -> dict[str, str]:
    """Why steps wait that could be tried but for what runs them, by their ids: what the history says of the attempt
    that they are at."""
    attempts = {row.id: row.attempts + 1 for row in rows if row.status == "open" and row.leased_at is None}
    if not attempts:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(_SAID, (run_id, WAITING))
        said = cursor.fetchall()
    return {
        step_id: reason
        for step_id, reason in said
        if step_id in attempts and reason.startswith(waits(attempts[step_id]))
    }


def _step(row: StepRow, name: str, tries: list[Try], held_up: str | None = None) -> Step:
    return Step(
        id=row.id,
        name=name,
        status="Waiting" if held_up else _shown_status(row),
        reason=held_up,
        attempts=row.attempts,
        output=raw(row.output),
        error=raw(row.error),
        event_id=row.event_id,
        queued_at=row.queued_at,
        due_at=row.due_at,
        started_at=row.started_at or row.leased_at,
        ended_at=row.ended_at,
        tries=tries,
        omitted=row.omitted,
    )


def _sdk_step(row: StepRow, tries: list[Try], waits_for: WaitsFor | None) -> Step:
    step = _step(row, row.name or row.id, tries)
    step.op = OPS.get(row.op or "run", "StepRun")
    step.waits_for = waits_for
    if row.op not in TRIED:
        step.attempts, step.started_at = 0, None
    if row.op == "invoke" and row.due_at is not None:
        step.due_at, step.waits_for = None, WaitsFor(expires_at=row.due_at)
    return step


def _load_tries(run_id: str, step_ids: Sequence[str]) -> dict[str, list[Try]]:
    tries: dict[str, list[Try]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(_TRIES, (run_id, list(step_ids), MAX_BYTES))
        for step_id, number, ok, started_at, ended_at, error, log, omitted in cursor.fetchall():
            tries[step_id].append(
                Try(
                    number=number,
                    ok=ok,
                    started_at=started_at,
                    ended_at=ended_at,
                    error=raw(error),
                    log=log,
                    omitted=omitted,
                )
            )
    return tries


def run_with_steps(run: RunRow) -> RunWithSteps:
    """All that a page about one run needs."""
    outcome = outcomes_of([run]).get(run.id, NOTHING)
    loaded = load_steps(run)
    return RunWithSteps(
        **run_fields(run, outcome), tries=loaded.function_tries, steps=loaded.steps, waits=load_waits(run.id)
    )
