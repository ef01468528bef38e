"""The runner's loop over the inbox: take a batch, handle it, and do it again until nothing is left."""

import logging
from collections import Counter
from collections.abc import Callable
from functools import partial

from django.conf import settings
from django.db import transaction

from apps.doorbell.ringing import ring
from apps.doorbell.stopping import stopping
from apps.event_stream.consuming import Batch, oldest_in_inbox, park, take_batch, take_these
from apps.runner.handle_event import TooManyStarts, handle_events
from apps.state.row_faults import lies_in_a_row

log = logging.getLogger(__name__)

WAKES_MOST = 4
"""How many rings one batch gives a queue, to wake that many workers."""
ITEMS_A_WAKE = 16


def consume_events() -> int:
    """Consume the inbox. Returns how many events were consumed. Several at once take different events."""
    consumed = 0
    most = settings.CONSUME_BATCH
    while True:
        try:
            events = _consume(partial(take_batch, most))
        except TooManyStarts as too_many:
            most = too_many.fit
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
    """Take events and start what they trigger, in one transaction."""
    with transaction.atomic():
        events, now = take()
        queued = handle_events(events, now) if now is not None else Counter[str]()
    for queue, items in queued.items():
        ring("executor.drain", queue, queue=queue, times=min(WAKES_MOST, -(-items // ITEMS_A_WAKE)))
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
