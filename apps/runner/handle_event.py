"""What an event sets off: start. (Resuming waits and cancelling come with the issues that bring them.)"""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from apps.datastore.definition.types import first_steps
from apps.datastore.triggers import find_starts
from apps.datastore.versions import load_version
from apps.event_stream.consuming import StreamEvent
from apps.state.starting import NewRun, start_runs
from drivers.registry import queue_for

STARTS_MOST = 2_000
"""Runs that one transaction starts, unless a single event starts more."""


class TooManyStarts(Exception):
    """The batch would start more runs than one transaction should; take `fit` events."""

    def __init__(self, fit: int) -> None:
        super().__init__(fit)
        self.fit = fit


def handle_events(events: Sequence[StreamEvent], now: datetime) -> Counter[str]:
    """Start what the events trigger. Returns how many items each queue got.

    Called in the transaction that takes the events from the inbox. The number of statements does not depend on the
    number of events. Raises TooManyStarts, for the transaction to be rolled back.
    """
    starts = find_starts({(event.environment_id, event.name) for event in events})
    count = sum(len(starts.get((event.environment_id, event.name), ())) for event in events)
    if count > STARTS_MOST and len(events) > 1:
        raise TooManyStarts(max(1, len(events) * STARTS_MOST // count))
    return start_runs(
        [
            NewRun(
                environment_id=event.environment_id,
                function_id=start.function_id,
                version_id=start.version_id,
                event_seq=event.seq,
                first_steps=_first_steps(start.version_id),
                reason=f"event {event.name} {event.internal_id}",
            )
            for event in events
            for start in starts.get((event.environment_id, event.name), ())
        ],
        now,
    )


def _first_steps(version_id: int) -> list[tuple[str, str]]:
    return [(step.id, queue_for(step.runtime.type)) for step in first_steps(load_version(version_id).definition)]
