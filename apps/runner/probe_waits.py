"""The waits that were just opened look at the events since they began to listen, and wide events go on (rule 14)."""

from collections import defaultdict
from collections.abc import Sequence

from django.db import transaction

from apps.doorbell.stopping import stopping
from apps.event_stream.consuming import StreamEvent, events_taken_since, these_events
from apps.runner.event_values import BatchTooLarge, EventValues
from apps.runner.handle_event import RESUMES_MOST
from apps.runner.matching import Hit, in_time, key_at, lookups
from apps.runner.resuming import resume
from apps.state.clock import read_now
from apps.state.probes import TakenProbe, advance_probes, end_probes, take_probes
from apps.state.waits import find_waits, paths_listened
from apps.state.wakes import Wakes, ring_for
from apps.state.wide_events import end_wide_event, keep_wide_event, take_wide_event

PROBES_MOST = 200
"""Probes that one transaction runs."""
EVENTS_MOST = 500
"""Events of one name that it looks at."""


def probe_waits() -> None:
    """Run all probes that there are, and resume what wide events have left. Several at once take different ones."""
    probes_most, events_most = PROBES_MOST, EVENTS_MOST
    while not stopping.is_set():
        try:
            count = _probe(probes_most, events_most)
        except BatchTooLarge as too_large:
            events_most = too_large.fit
            continue
        if count < probes_most:
            break
    while not stopping.is_set() and _go_on_with_wide_event():
        pass


def _probe(probes_most: int, events_most: int) -> int:
    wakes = Wakes()
    with transaction.atomic():
        probes, idle = take_probes(probes_most)
        if not probes:
            end_probes(idle)
            return len(idle)
        now = read_now()
        by_name: dict[tuple[int, str], list[TakenProbe]] = defaultdict(list)
        for probe in probes:
            by_name[probe.environment_id, probe.event_name].append(probe)
        seen = events_taken_since(
            [(*name, min(probe.after_seq for probe in of_name)) for name, of_name in by_name.items()], events_most
        )
        ended, advanced = list(idle), {}
        hits: list[Hit] = []
        values = EventValues()
        for of_name, events in zip(by_name.values(), seen, strict=True):
            if len(events) < events_most:
                ended += [probe.wait_id for probe in of_name]
            else:
                advanced.update({probe.wait_id: max(probe.after_seq, events[-1].seq) for probe in of_name})
            hits += _hits(of_name, events, values)
        end_probes(ended)
        advance_probes(advanced)
        resume(hits, values, now, wakes)
    ring_for(wakes, now)
    return len(probes) + len(idle)


def _hits(probes: Sequence[TakenProbe], events: Sequence[StreamEvent], values: EventValues) -> list[Hit]:
    """The waits of one name and the events that have their key, in the order of the stream."""
    values.need([event.seq for event in events])
    by_key: dict[tuple[str, int], list[TakenProbe]] = defaultdict(list)
    for probe in probes:
        by_key[probe.paths, probe.key].append(probe)
    all_paths = {probe.paths for probe in probes}
    hits = []
    for event in events:
        value = values.of(event.seq)
        for paths in all_paths:
            key = key_at(value, paths)
            if key is not None:
                hits += [Hit(event, probe.wait) for probe in by_key.get((paths, key), ())]
    return [hit for hit in hits if in_time(hit)]


def _go_on_with_wide_event() -> bool:
    """Resume the next of the waits that a wide event has left. False if there is no such event."""
    wakes = Wakes()
    with transaction.atomic():
        taken = take_wide_event()
        if taken is None:
            return False
        seq, after = taken
        now = read_now()
        values = EventValues()
        values.need([seq])
        (event,) = these_events([seq])
        paths = paths_listened({(event.environment_id, event.name)}).get((event.environment_id, event.name), [])
        found = find_waits(lookups(event, values.of(seq), paths, after), RESUMES_MOST + 1)
        if len(found) > RESUMES_MOST:
            found = found[:RESUMES_MOST]
            keep_wide_event(seq, found[-1][1].id)
        else:
            end_wide_event(seq)
        resume([Hit(event, wait) for _, wait in found], values, now, wakes)
    ring_for(wakes, now)
    return True
