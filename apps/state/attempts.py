"""Attempts end here, and with the last one its step: in bulk, once, in one statement."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal, NamedTuple

from django.db import connection


class EndedAttempt(NamedTuple):
    """An attempt that is over, and what that means for its step.

    `kind` is that of the history: `step.completed` (with an `output`) or `step.failed` (with an `error`) ends the step,
    `step.retrying` leaves it open. `output` and `error` are JSON text.
    """

    run_id: str
    step_id: str
    number: int
    kind: str
    reason: str
    output: str | None
    error: str | None
    log: str
    started_at: datetime


# One statement for the record of the attempts, the history and the steps: it runs for every batch of finished steps. A
# step that has its result keeps it. The arrays beside the join: by it alone, a plan that was made while the table was
# empty may walk all the steps there are.
_END = """
WITH ended AS MATERIALIZED (
    SELECT * FROM unnest(
        %(runs)b::text[], %(steps)b::text[], %(numbers)b::int[], %(kinds)b::text[], %(reasons)b::text[],
        %(outputs)b::text[], %(errors)b::text[], %(logs)b::text[], %(started)b::timestamptz[]
    ) AS e (run_id, step_id, number, kind, reason, output, error, log, started_at)
), attempts AS (
    INSERT INTO state_attempt (run_id, step_id, number, ok, started_at, ended_at, error, log)
    SELECT run_id, step_id, number, kind = 'step.completed', started_at, %(now)s, error, log FROM ended
    ON CONFLICT DO NOTHING
), history AS (
    INSERT INTO state_history (run_id, at, kind, step_id, reason)
    SELECT run_id, %(now)s, kind, step_id, reason FROM ended
)
UPDATE state_step AS step
SET status = CASE ended.kind WHEN 'step.completed' THEN 'completed' ELSE 'failed' END,
    output = ended.output, error = ended.error, attempts = ended.number, ended_at = %(now)s,
    started_at = COALESCE(step.started_at, ended.started_at)
FROM ended
WHERE step.run_id = ended.run_id AND step.step_id = ended.step_id AND step.status = 'open'
  AND step.run_id = ANY (%(runs)b::text[]) AND step.step_id = ANY (%(steps)b::text[])
  AND ended.kind <> 'step.retrying'
"""


def end_attempts(attempts: Sequence[EndedAttempt], now: datetime) -> None:
    """Keep the attempts, say in the history what came of them, and end the steps that they end.

    Called with the runs locked.
    """
    if not attempts:
        return
    runs, steps, numbers, kinds, reasons, outputs, errors, logs, started = zip(*attempts, strict=True)
    with connection.cursor() as cursor:
        cursor.execute(
            _END,
            {
                "now": now,
                "runs": list(runs),
                "steps": list(steps),
                "numbers": list(numbers),
                "kinds": list(kinds),
                "reasons": list(reasons),
                "outputs": list(outputs),
                "errors": list(errors),
                "logs": list(logs),
                "started": list(started),
            },
        )


Place = Literal["open", "over", "unknown"]
"""Where an attempt is: to be made or under way; ended, by itself or with its run; or of a run that is not known."""

# LIMIT keeps each look-up to its key.
_PLACES = """
SELECT CASE WHEN run.id IS NULL THEN 'unknown'
            WHEN run.ended_at IS NULL AND step.status = 'open' AND step.attempts < asked.number THEN 'open'
            ELSE 'over' END
FROM unnest(%b::text[], %b::text[], %b::int[]) WITH ORDINALITY AS asked (run_id, step_id, number, place)
LEFT JOIN LATERAL (SELECT id, ended_at FROM state_run WHERE id = asked.run_id LIMIT 1) AS run ON true
LEFT JOIN LATERAL (SELECT status, attempts FROM state_step
                   WHERE run_id = asked.run_id AND step_id = asked.step_id LIMIT 1) AS step ON true
ORDER BY asked.place
"""


def places_of(attempts: Sequence[tuple[str, str, int]]) -> list[Place]:
    """Where these attempts of declared steps (run, step, number) are, in their order, in one statement."""
    if not attempts:
        return []
    runs, steps, numbers = zip(*attempts, strict=True)
    with connection.cursor() as cursor:
        cursor.execute(_PLACES, (list(runs), list(steps), list(numbers)))
        return [row[0] for row in cursor.fetchall()]
