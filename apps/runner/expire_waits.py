"""Chore: waits whose time is over end without their event, once the stream has been consumed past it (rule 14)."""

from django.db import transaction

from apps.doorbell.stopping import stopping
from apps.event_stream.consuming import consumed_until
from apps.runner.resuming import time_out
from apps.state.clock import read_now
from apps.state.waits import find_expired
from apps.state.wakes import Wakes, ring_for
from apps.state.wide_events import wide_events

AT_ONCE = 200


def expire_waits() -> None:
    """Time out all waits that are due, a bounded batch at a time."""
    while _expire() == AT_ONCE and not stopping.is_set():
        pass


def _expire() -> int:
    wakes = Wakes()
    with transaction.atomic():
        now = read_now()
        # What was received in time counts, also if it has not been consumed yet. The inbox is read before the waits: an
        # event that is consumed in between has ended those that it is for.
        until = consumed_until(wide_events())
        waits = find_expired(now if until is None else min(now, until), AT_ONCE)
        if waits:
            time_out(waits, now, wakes)
    ring_for(wakes, now)
    return len(waits)
