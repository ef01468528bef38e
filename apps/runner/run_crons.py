"""The runner's crons: what has ticked starts its function, and the trigger moves on, in one transaction (rule 15)."""

import logging
from collections.abc import Callable, Iterable
from datetime import datetime
from functools import partial
from zoneinfo import ZoneInfoNotFoundError

import msgspec
from django.conf import settings
from django.db import transaction

from apps.datastore.cron_triggers import Advance, Due, DueTrigger, advance, due_ids, take_due, take_this
from apps.datastore.ticks import Ticks, due_ticks, next_tick
from apps.doorbell.ringing import ring
from apps.doorbell.stopping import stopping
from apps.event_stream.appending import append_numbered
from apps.event_stream.new_event import make_event
from apps.runner.event_values import EventValues
from apps.runner.starting import Candidate, start_candidates
from apps.state.row_faults import lies_in_a_row
from apps.state.wakes import Wakes, ring_for

log = logging.getLogger(__name__)

EVENT_NAME = "inngest/scheduled.timer"
AT_ONCE = 200
"""Triggers that one transaction takes."""
STARTS_MOST = 2_000
"""Runs that one transaction starts: where much is caught up, it takes fewer triggers."""


def run_crons() -> int:
    """Start what has ticked. Returns how many ticks were run. Several at once take different triggers."""
    most = max(1, min(AT_ONCE, STARTS_MOST // max(1, settings.CRON_CATCH_UP)))
    count = 0
    while True:
        try:
            ticks = _run(partial(take_due, most))
        except Exception as error:
            if not lies_in_a_row(error):
                raise  # nothing is wrong with the triggers, and beat rings again
            log.exception("a batch of cron triggers failed, each is tried alone")
            ticks = _run_one_by_one(most)
        if ticks is None:
            return count
        count += ticks
        if stopping.is_set():
            return count


def _run(take: Callable[[], Due]) -> int | None:
    """Take triggers and start their functions, in one transaction. How many ticks that were; None if none is due."""
    wakes = Wakes()
    with transaction.atomic():
        triggers, now = take()
        if now is None:
            return None
        due = [(trigger, _due(trigger, now)) for trigger in triggers]
        ours = advance([Advance(one, ticks.next_at, ticks.run[-1] if ticks.run else None) for one, ticks in due])
        count = _start([(one, tick) for one, ticks in due if one.id in ours for tick in ticks.run], now, wakes)
    ring_for(wakes, now)
    if count:
        ring("runner.consume_events", queue="events")
    return count


def _due(trigger: DueTrigger, now: datetime) -> Ticks:
    ticks = due_ticks(trigger.schedule, trigger.timezone, trigger.next_at, now, settings.CRON_CATCH_UP)
    if trigger.paused:
        return ticks._replace(run=[])
    if not ticks.run or ticks.run[0] > trigger.next_at:
        log.warning(
            "function %s: cron %s was not looked at from %s on; of the ticks since, %s are run",
            trigger.function_id,
            trigger.cron,
            trigger.next_at.isoformat(),
            len(ticks.run),
        )
    return ticks


def _start(ticks: Iterable[tuple[DueTrigger, datetime]], now: datetime, wakes: Wakes) -> int:
    """Put the ticks into the stream, and start each one's function. How many there were."""
    made = [
        (
            trigger,
            make_event(
                trigger.environment_id,
                EVENT_NAME,
                msgspec.Raw(msgspec.json.encode({"cron": trigger.cron})),
                ts=int(tick.timestamp()) * 1_000,
            ),
        )
        for trigger, tick in ticks
    ]
    numbers = append_numbered([event for _, event in made])
    start_candidates(
        [
            Candidate(
                seq,
                trigger.environment_id,
                trigger.function_id,
                trigger.version_id,
                EVENT_NAME,
                event.internal_id,
                by_cron=True,
            )
            for seq, (trigger, event) in zip(numbers, made, strict=True)
        ],
        EventValues(),
        now,
        wakes,
    )
    return len(made)


def _run_one_by_one(most: int) -> int:
    """Rule 8: a trigger whose ticks cannot be run leaves them out, its neighbours go on."""
    count = 0
    for trigger_id in due_ids(most):
        try:
            count += _run(partial(take_this, trigger_id)) or 0
        except Exception as error:
            if not lies_in_a_row(error):
                raise
            _leave_out(trigger_id)
    return count


def _leave_out(trigger_id: int) -> None:
    log.exception("what is due of cron trigger %s cannot be run and is left out", trigger_id)
    with transaction.atomic():
        triggers, now = take_this(trigger_id)
        if now is not None:
            advance([Advance(trigger, _after(trigger, now), None) for trigger in triggers])


def _after(trigger: DueTrigger, now: datetime) -> datetime | None:
    try:
        return next_tick(trigger.schedule, trigger.timezone, now)
    except ZoneInfoNotFoundError:
        return None
