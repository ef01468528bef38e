"""The history: what happened to runs and steps, and why."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from django.db import connection


class Entry(NamedTuple):
    """One line of a run's history; `kind` as `models.History` lists them."""

    run_id: str
    kind: str
    reason: str
    step_id: str | None = None
    step_name: str | None = None
    """Where its author gave the step another name than its id."""


_ADD = """
INSERT INTO state_history (run_id, at, kind, step_id, reason)
SELECT e.run_id, %s, e.kind, e.step_id, e.reason
FROM unnest(%b::text[], %b::text[], %b::text[], %b::text[]) AS e (run_id, kind, step_id, reason)
"""


def add_history(entries: Sequence[Entry], now: datetime) -> None:
    """Append to the history, in the order given, in one statement."""
    if not entries:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            _ADD,
            (
                now,
                [entry.run_id for entry in entries],
                [entry.kind for entry in entries],
                [entry.step_id for entry in entries],
                [entry.reason for entry in entries],
            ),
        )


WAITING = "step.waiting"
_REASONS_MOST = 20
"""Of one step: a reason may have a part that is never the same."""

# A run's history is walked here, which happens once in UNAVAILABLE_RETRY_SECONDS for a step that waits.
_ADD_WAITING = """
INSERT INTO state_history (run_id, at, kind, step_id, reason)
SELECT e.run_id, %s, %s, e.step_id, e.reason
FROM unnest(%b::text[], %b::text[], %b::text[]) AS e (run_id, step_id, reason), LATERAL (
    SELECT count(*) AS said, COALESCE(bool_or(reason = e.reason), false) AS this_too
    FROM state_history WHERE run_id = e.run_id AND kind = %s AND step_id = e.step_id
) AS before
WHERE NOT before.this_too AND before.said < %s
RETURNING run_id, kind, reason, step_id
"""


def add_waiting(waiting: Sequence[tuple[str, str, int, str]], now: datetime) -> list[Entry]:
    """Say of attempts (run, step, number, why) that they wait, each reason once, however often they are tried in vain.
    What was added. Called with the runs locked."""
    entries = {(run_id, step_id, waits(number, why)) for run_id, step_id, number, why in waiting}
    with connection.cursor() as cursor:
        columns = tuple(map(list, zip(*sorted(entries), strict=True)))
        cursor.execute(_ADD_WAITING, (now, WAITING, *columns, WAITING, _REASONS_MOST))
        return [Entry(*row) for row in cursor.fetchall()]


def waits(number: int, why: str = "") -> str:
    """How the reason begins, or reads, of an attempt that waits for what runs it."""
    return f"attempt {number} waits: {why}"
