"""Chore: delete what is older than it has to be kept, in small transactions (rule 16)."""

from collections.abc import Callable
from datetime import timedelta

from django.conf import settings

from apps.doorbell.stopping import stopping
from apps.event_stream.retention import forget_event_ids
from apps.state.clock import read_now
from apps.state.retention import delete_old_events, delete_old_guards, delete_old_runs

AT_ONCE = 1_000
RUNS_AT_ONCE = 200
"""Fewer, as each has its steps, their tries and its history."""


def delete_old() -> None:
    """Delete ended runs and events older than RETENTION_DAYS, and the keys and event ids whose time is over.

    Runs first: an event stays as long as one of its runs.
    """
    before = read_now() - timedelta(days=settings.RETENTION_DAYS)
    run_id: str | None = ""
    while run_id is not None and not stopping.is_set():
        run_id = delete_old_runs(before, run_id, RUNS_AT_ONCE).ended_at
    seq: int | None = 0
    while seq is not None and not stopping.is_set():
        seq = delete_old_events(before, seq, AT_ONCE).ended_at
    _repeat(forget_event_ids)
    _repeat(delete_old_guards)


def _repeat(forget: Callable[[int], int]) -> None:
    while not stopping.is_set() and forget(AT_ONCE) == AT_ONCE:
        pass
