"""Chore: waits whose time is over end without their event, once the stream has been consumed past it (rule 14)."""

import logging
from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from apps.doorbell.stopping import stopping
from apps.event_stream.looking_back import appending_since, consumed_until, oldest_receipt
from apps.runner.resuming import time_out
from apps.state.clock import read_now
from apps.state.probes import postpone
from apps.state.row_faults import lies_in_a_row
from apps.state.waits import OpenWait, find_expired
from apps.state.wakes import Wakes, ring_for
from apps.state.wide_events import wide_events

log = logging.getLogger(__name__)

AT_ONCE = 200


def expire_waits() -> None:
    """Time out all waits that are due, a bounded batch at a time."""
    while not stopping.is_set():
        waits = _find()
        try:
            _time_out(waits)
        except Exception as error:
            if not lies_in_a_row(error):
                raise
            log.exception("a batch of waits failed to time out, each is tried alone")
            _one_by_one(waits)
        if len(waits) < AT_ONCE:
            return


def _find() -> list[OpenWait]:
    """Waits that have expired, in the order of their times."""
    with transaction.atomic():
        now = read_now()
        # What was received in time counts, also if it has not been consumed yet. Read in the direction in which an
        # event moves, it is met somewhere: from its append to the inbox, to the wide events, to the waits that it ends.
        bounds: list[datetime | None] = [now, appending_since(), consumed_until(), oldest_receipt(wide_events())]
        return find_expired(min(bound for bound in bounds if bound is not None), AT_ONCE)


def _time_out(waits: Sequence[OpenWait]) -> None:
    if not waits:
        return
    wakes = Wakes()
    with transaction.atomic():
        now = read_now()
        time_out(waits, now, wakes)
    ring_for(wakes, now)


def _one_by_one(waits: Sequence[OpenWait]) -> None:
    """Rule 8: a wait that cannot end is set aside for a while, its neighbours end."""
    for wait in waits:
        try:
            _time_out([wait])
        except Exception as error:
            if not lies_in_a_row(error):
                raise
            log.exception("wait %s cannot time out", wait.id)
            postpone(wait.id)
