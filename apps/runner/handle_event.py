"""What events set off: start → resume. (A cancelling event resumes, too: what it ends is a wait of the run.)"""

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache

from apps.datastore.triggers import find_starts
from apps.datastore.versions import load_version, load_versions
from apps.event_stream.consuming import StreamEvent
from apps.expressions import AllowanceSpent
from apps.runner.batches import BatchTooLarge
from apps.runner.event_values import EventValues
from apps.runner.matching import Hit, fitting, lookups
from apps.runner.resuming import resume
from apps.runner.starting import Candidate, start_candidates
from apps.state.waits import find_waits, paths_listened
from apps.state.wakes import Wakes
from apps.state.wide_events import keep_wide_event

STARTS_MOST = 2_000
"""Runs and cancelling waits that one transaction starts, unless a single event starts more."""
RESUMES_MOST = 500
"""Waits that one transaction looks at; a single event that has more goes on in further transactions."""

Names = set[tuple[int, str]]
"""Environments and names of events."""


def handle_events(events: Sequence[StreamEvent], now: datetime, wakes: Wakes) -> None:
    """Start what the events trigger, and resume or cancel what waits for them.

    Called in the transaction that takes the events from the inbox. The number of statements does not depend on the
    number of events. Raises BatchTooLarge, for the transaction to be rolled back.
    """
    values = EventValues()
    names = {(event.environment_id, event.name) for event in events}
    try:
        _start(events, names, values, now, wakes)
        _resume(events, names, values, now, wakes)
    except AllowanceSpent:
        raise BatchTooLarge(len(events) // 2) from None


def _start(events: Sequence[StreamEvent], names: Names, values: EventValues, now: datetime, wakes: Wakes) -> None:
    starts = find_starts(names)
    load_versions({start.version_id for of_name in starts.values() for start in of_name})
    weight = sum(
        _weight(start.version_id) for event in events for start in starts.get((event.environment_id, event.name), ())
    )
    if weight > STARTS_MOST and len(events) > 1:
        raise BatchTooLarge(len(events) * STARTS_MOST // weight)
    start_candidates(
        [
            Candidate(
                event.seq, event.environment_id, start.function_id, start.version_id, event.name, event.internal_id
            )
            for event in events
            for start in starts.get((event.environment_id, event.name), ())
        ],
        values,
        now,
        wakes,
    )


@lru_cache(maxsize=10_000)
def _weight(version_id: int) -> int:
    return 1 + len(load_version(version_id).definition.cancel)


def _resume(events: Sequence[StreamEvent], names: Names, values: EventValues, now: datetime, wakes: Wakes) -> None:
    listened = paths_listened(names)
    heard = {event.seq: event for event in events if (event.environment_id, event.name) in listened}
    if not heard:
        return
    values.need(list(heard))
    asked = [
        lookup
        for event in heard.values()
        for lookup in lookups(event, values.of(event.seq), listened[event.environment_id, event.name])
    ]
    found = find_waits(asked, RESUMES_MOST + 1)
    is_single = len(events) == 1
    fit = fitting(found, values, RESUMES_MOST)
    if len(found) > fit and not is_single:
        raise BatchTooLarge(len(events) // 2)
    # In the order of the stream: of two events for one wait the first counts.
    hits = sorted((Hit(heard[seq], wait) for seq, wait in found[:fit]), key=lambda hit: hit.event.seq)
    after = found[fit - 1][1].id if len(found) > fit else None
    try:
        resume(hits, values, now, wakes)
    except AllowanceSpent:
        if not is_single:
            raise
        after = found[0][1].id - 1  # what they cost is spread over transactions
    if after is not None:
        keep_wide_event(events[0].seq, after)
        wakes.wide_events += 1
