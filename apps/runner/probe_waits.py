"""Waits that were just opened look at the events since they began to listen (rule 14, decision 9)."""

import logging
from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import partial

from django.conf import settings
from django.db import transaction

from apps.doorbell.stopping import stopping
from apps.event_stream.consuming import StreamEvent
from apps.event_stream.looking_back import events_taken_since
from apps.expressions import AllowanceSpent
from apps.runner.batches import BatchSize, BatchTooLarge
from apps.runner.event_values import EventValues
from apps.runner.matching import Hit, in_time, key_at
from apps.runner.resuming import resume
from apps.state.clock import read_now
from apps.state.probes import (
    Taken,
    TakenProbe,
    advance_probes,
    due_probes,
    end_probes,
    postpone,
    take_probe,
    take_probes,
)
from apps.state.row_faults import lies_in_a_row
from apps.state.wakes import Wakes, ring_for
from apps.state.workers import count_serving

log = logging.getLogger(__name__)

PROBES_MOST = 200
"""Probes that one transaction runs."""
EVENTS_MOST = 500
"""Events that it looks at for waits of one name that began to listen at about the same time."""
PAIRS_MOST = 1_000
"""Waits with the events that may be for them."""
TOGETHER = 1_000
"""Waits of one name that began to listen within so many events look at the events together."""
CONSUMERS_LEAST = 50
"""So many batches of events may be in flight at once, or twice as many as workers consume events."""
LATE_GROUPS = 10
"""So many web processes may commit their events (at most EVENT_QUEUE_MAX) later than others with higher numbers."""


def probe_waits() -> None:
    """Run all probes that are due. Several at once take different ones."""
    probes, events = BatchSize(PROBES_MOST), BatchSize(EVENTS_MOST)
    while not stopping.is_set():
        try:
            if not _probe(partial(take_probes, probes.now), events.now):
                return
        except (BatchTooLarge, AllowanceSpent):
            # First fewer waits, then fewer events for one: a wait and an event always fit.
            (probes if probes.now > 1 else events).shrink((probes if probes.now > 1 else events).now // 2)
        except Exception as error:
            if not lies_in_a_row(error):
                raise
            log.exception("a batch of probes failed, each is tried alone")
            _probe_one_by_one()
        else:
            probes.grow()
            events.grow()


def _probe(take: Callable[[], Taken], events_most: int) -> int:
    """Take probes and run them, in one transaction. How many there were."""
    wakes = Wakes()
    with transaction.atomic():
        probes, idle = take()
        now = read_now()
        groups = _together(probes)
        seen = events_taken_since([group for group, _ in groups], events_most, _reach()) if groups else []
        ended, advanced = list(idle), {}
        hits: list[Hit] = []
        values = EventValues()
        for (_, waiting), events in zip(groups, seen, strict=True):
            if len(events) < events_most:
                ended += [probe.wait_id for probe in waiting]
            else:
                advanced.update({probe.wait_id: max(probe.after_seq, events[-1].seq) for probe in waiting})
            hits += _hits(waiting, events, values)
        if len(hits) > PAIRS_MOST:
            raise BatchTooLarge(0)
        end_probes(ended)
        advance_probes(advanced, now)
        resume(hits, values, now, wakes)
    ring_for(wakes, now)
    return len(probes) + len(idle)


def _together(probes: Sequence[TakenProbe]) -> list[tuple[tuple[int, str, int], list[TakenProbe]]]:
    """The probes by what they look at: environment, name, and after which event."""
    groups: dict[tuple[int, str, int], list[TakenProbe]] = defaultdict(list)
    for probe in probes:
        groups[probe.environment_id, probe.event_name, probe.after_seq // TOGETHER].append(probe)
    return [
        ((environment, name, min(probe.after_seq for probe in waiting)), waiting)
        for (environment, name, _), waiting in groups.items()
    ]


def _reach() -> int:
    batches: int = max(CONSUMERS_LEAST, 2 * count_serving("events"))
    late: int = LATE_GROUPS * settings.EVENT_QUEUE_MAX
    return batches * settings.CONSUME_BATCH + late


def _hits(probes: Sequence[TakenProbe], events: Sequence[StreamEvent], values: EventValues) -> list[Hit]:
    """The waits and the events that have their key, in the order of the stream."""
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


def _probe_one_by_one() -> None:
    """Rule 8: a wait with which something is wrong looks again later, its neighbours go on."""
    for wait_id in due_probes(PROBES_MOST):
        try:
            _probe(partial(take_probe, wait_id), 1)
        except Exception as error:
            if not lies_in_a_row(error):
                raise
            log.exception("wait %s cannot look at events", wait_id)
            postpone(wait_id)
