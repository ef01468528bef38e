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
