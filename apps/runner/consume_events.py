"""The runner's loop over the inbox: take a batch, handle it, and do it again until nothing is left."""

import logging
from collections.abc import Callable
from functools import partial

from django.conf import settings
from django.db import transaction

from apps.doorbell.stopping import stopping
from apps.event_stream.consuming import Batch, oldest_in_inbox, park, take_batch, take_these
from apps.runner.batches import BatchSize, BatchTooLarge
from apps.runner.handle_event import handle_events
from apps.runner.telling import with_events
from apps.state import teller
from apps.state.row_faults import lies_in_a_row
from apps.state.wakes import Wakes, ring_for

log = logging.getLogger(__name__)


def consume_events() -> int:
    """Consume the inbox. Returns how many events were consumed. Several at once take different events."""
    consumed = 0
    size = BatchSize(settings.CONSUME_BATCH)
    while True:
        try:
            events = _consume(partial(take_batch, size.now))
            size.grow()
        except BatchTooLarge as too_large:
            size.shrink(too_large.fit)
            continue
        except Exception as error:
            if not lies_in_a_row(error):
                raise  # nothing is wrong with the events, and beat rings again
            log.exception("a batch of events failed, each is tried alone")
            events = _consume_one_by_one()
        consumed += events
        if not events or stopping.is_set():
            return consumed


def _consume(take: Callable[[], Batch]) -> int:
    """Take events and do what they set off, in one transaction."""
    wakes = Wakes()
    with transaction.atomic():
        events, now = take()
        if now is None:
            return 0
        handle_events(events, now, wakes)
    if teller.is_on():
        wakes.told = with_events(events, wakes.told)
    ring_for(wakes, now)
    return len(events)


def _consume_one_by_one() -> int:
    """Rule 8: the bad event of a batch is parked with its reason, its neighbours go on."""
    handled = 0
    for seq in oldest_in_inbox(settings.CONSUME_BATCH):
        try:
            handled += _consume(partial(take_these, [seq]))
        except Exception as error:
            if not lies_in_a_row(error):
                raise
            log.exception("event %s is parked", seq)
            park(seq, f"{type(error).__name__}: {error}")
            handled += 1
    return handled
