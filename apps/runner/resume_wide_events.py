"""Wide events go on: those for which more waits listen than one transaction resumes (rule 16)."""

from django.db import transaction

from apps.doorbell.stopping import stopping
from apps.event_stream.looking_back import these_events
from apps.expressions import AllowanceSpent
from apps.runner.batches import BatchSize
from apps.runner.event_values import EventValues
from apps.runner.handle_event import RESUMES_MOST
from apps.runner.matching import Hit, fitting, lookups
from apps.runner.resuming import resume
from apps.state.clock import read_now
from apps.state.waits import find_waits, paths_listened
from apps.state.wakes import Wakes, ring_for
from apps.state.wide_events import end_wide_event, keep_wide_event, take_wide_event


def resume_wide_events() -> None:
    """Resume all that wide events have left. Several at once take different events."""
    size = BatchSize(RESUMES_MOST)
    while not stopping.is_set():
        try:
            if not _resume_some(size.now):
                return
        except AllowanceSpent:
            size.shrink(size.now // 2)
        else:
            size.grow()


def _resume_some(most: int) -> bool:
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
        name = (event.environment_id, event.name)
        paths = paths_listened({name}).get(name, [])
        found = find_waits(lookups(event, values.of(seq), paths, after), most + 1)
        fit = fitting(found, values, most)
        if len(found) > fit:
            found = found[:fit]
            keep_wide_event(seq, found[-1][1].id)
        else:
            end_wide_event(seq)
        resume([Hit(event, wait) for _, wait in found], values, now, wakes)
    ring_for(wakes, now)
    return True
