"""Steps of SDK functions are written here: those that ended, those that fail, and the functions' own rows."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from django.db import connection

from apps.state.history import Entry


class StepRow(NamedTuple):
    """A step as it is to be: `open`, `completed` with an output, or `failed` with an error (both JSON text)."""

    run_id: str
    step_id: str
    op: str
    name: str | None
    status: str
    output: str | None
    error: str | None
    event_seq: int | None
    """The event that is its output."""
    attempts: int
    started_at: datetime | None
    calls: int | None = None
    request_version: int | None = None


class Try(NamedTuple):
    """A finished attempt."""

    run_id: str
    step_id: str
    number: int
    ok: bool
    error: str | None
    log: str
    started_at: datetime


# A step that has its result keeps it. The numbers of `ended_seq` are drawn with the run locked, so they are the order
# in which its steps ended: the order of transactions' times may be another one. A try of a step that an earlier
# release of the function asked for may be there already.
_WRITE = """
WITH given AS MATERIALIZED (
    SELECT * FROM unnest(
        %(runs)b::text[], %(steps)b::text[], %(ops)b::text[], %(names)b::text[], %(statuses)b::text[],
        %(outputs)b::text[], %(errors)b::text[], %(events)b::bigint[], %(attempts)b::int[],
        %(started)b::timestamptz[], %(calls)b::int[], %(versions)b::int[]
    ) WITH ORDINALITY
      AS g (run_id, step_id, op, name, status, output, error, event_seq, attempts, started_at, calls, version, place)
), tries AS (
    INSERT INTO state_attempt (run_id, step_id, number, ok, started_at, ended_at, error, log)
    SELECT run_id, step_id, number, ok, started_at, %(now)s, error, log FROM unnest(
        %(try_runs)b::text[], %(try_steps)b::text[], %(try_numbers)b::int[], %(try_ok)b::boolean[],
        %(try_errors)b::text[], %(try_logs)b::text[], %(try_started)b::timestamptz[]
    ) AS t (run_id, step_id, number, ok, error, log, started_at)
    ON CONFLICT DO NOTHING
), told AS (
    INSERT INTO state_history (run_id, at, kind, step_id, reason)
    SELECT run_id, %(now)s, kind, step_id, reason FROM unnest(
        %(told_runs)b::text[], %(told_kinds)b::text[], %(told_steps)b::text[], %(told_reasons)b::text[]
    ) AS h (run_id, kind, step_id, reason)
)
INSERT INTO state_step AS step (run_id, step_id, op, name, status, item_id, attempts, async_seq, output, error,
                                queued_at, started_at, ended_at, ended_seq, calls, request_version)
SELECT run_id, step_id, op, name, status, 0, attempts, event_seq,
       CASE WHEN event_seq IS NULL THEN output
            ELSE COALESCE((SELECT payload FROM event_stream_event WHERE seq = event_seq), output) END,
       error, COALESCE(started_at, %(now)s), started_at, CASE WHEN status <> 'open' THEN %(now)s END,
       CASE WHEN status <> 'open' THEN nextval('state_step_ended_seq') END, calls, version
FROM given ORDER BY place
ON CONFLICT (run_id, step_id) DO UPDATE
SET status = excluded.status, attempts = GREATEST(step.attempts, excluded.attempts), async_seq = excluded.async_seq,
    output = excluded.output, error = excluded.error, input = NULL,
    started_at = COALESCE(step.started_at, excluded.started_at), ended_at = excluded.ended_at,
    ended_seq = excluded.ended_seq, name = COALESCE(step.name, excluded.name),
    calls = excluded.calls, request_version = COALESCE(excluded.request_version, step.request_version)
WHERE step.status = 'open'
"""

_STEP_COLUMNS = (
    "runs",
    "steps",
    "ops",
    "names",
    "statuses",
    "outputs",
    "errors",
    "events",
    "attempts",
    "started",
    "calls",
    "versions",
)
_TRY_COLUMNS = ("try_runs", "try_steps", "try_numbers", "try_ok", "try_errors", "try_logs", "try_started")


def write_steps(rows: Sequence[StepRow], tries: Sequence[Try], history: Sequence[Entry], now: datetime) -> None:
    """Write steps, each once, with the attempts and the history that belong to them. One statement; the runs are
    locked."""
    if not rows and not history:
        return
    unique = {(row.run_id, row.step_id): row for row in rows}
    with connection.cursor() as cursor:
        cursor.execute(
            _WRITE,
            {
                "now": now,
                **_columns(_STEP_COLUMNS, list(unique.values())),
                **_columns(_TRY_COLUMNS, tries),
                "told_runs": [entry.run_id for entry in history],
                "told_kinds": [entry.kind for entry in history],
                "told_steps": [entry.step_id for entry in history],
                "told_reasons": [entry.reason for entry in history],
            },
        )


def _columns(names: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> dict[str, list[Any]]:
    return {name: [row[place] for row in rows] for place, name in enumerate(names)}
