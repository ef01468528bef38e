"""What events set off: start → resume. (A cancelling event resumes, too: what it ends is a wait of the run.)"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from apps.datastore.triggers import find_starts
from apps.event_stream.consuming import StreamEvent
from apps.runner.event_values import BatchTooLarge, EventValues
from apps.runner.matching import Hit, lookups
from apps.runner.resuming import resume
from apps.runner.starting import Candidate, start_candidates
from apps.state.waits import find_waits, paths_listened
from apps.state.wakes import Wakes
from apps.state.wide_events import keep_wide_event

STARTS_MOST = 2_000
"""Runs that one transaction starts, unless a single event starts more."""
RESUMES_MOST = 500
"""Waits that one transaction looks at; a single event that has more goes on in further transactions."""


def handle_events(events: Sequence[StreamEvent], now: datetime, wakes: Wakes) -> None:
    """Start what the events trigger, and resume or cancel what waits for them.

    Called in the transaction that takes the events from the inbox. The number of statements does not depend on the
    number of events. Raises BatchTooLarge, for the transaction to be rolled back.
    """
    values = EventValues()
    names = {(event.environment_id, event.name) for event in events}
    _start(events, names, values, now, wakes)
    _resume(events, names, values, now, wakes)


def _start(
    events: Sequence[StreamEvent], names: set[tuple[int, str]], values: EventValues, now: datetime, wakes: Wakes
) -> None:
    starts = find_starts(names)
    count = sum(len(starts.get((event.environment_id, event.name), ())) for event in events)
    if count > STARTS_MOST and len(events) > 1:
        raise BatchTooLarge(len(events) * STARTS_MOST // count)
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


def _resume(
    events: Sequence[StreamEvent], names: set[tuple[int, str]], values: EventValues, now: datetime, wakes: Wakes
) -> None:
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
    if len(found) > RESUMES_MOST and len(events) > 1:
        raise BatchTooLarge(len(events) * RESUMES_MOST // len(found))
    if len(found) > RESUMES_MOST:
        found = found[:RESUMES_MOST]
        keep_wide_event(found[-1][0], found[-1][1].id)
        wakes.probes += 1
    by_event: dict[int, list[Hit]] = defaultdict(list)
    for seq, wait in found:
        by_event[seq].append(Hit(heard[seq], wait))
    resume([hit for seq in heard for hit in by_event[seq]], values, now, wakes)
