"""`triggers`: what starts a function."""

from typing import NamedTuple

from apps.datastore.definition import later
from apps.datastore.definition.crons import parse_cron
from apps.datastore.definition.expressions import Expressions
from apps.datastore.definition.faults import FaultLog, at, shown
from apps.datastore.definition.scopes import TRIGGER_NAMES
from apps.datastore.definition.types import CronTrigger, EventTrigger
from apps.datastore.definition.values import check_list, check_name, check_object, optional, required

MAX_TRIGGERS = 100


class Triggers(NamedTuple):
    """Those that are right, in the order of the document; the others are in the log."""

    events: tuple[EventTrigger, ...] = ()
    crons: tuple[CronTrigger, ...] = ()


def parse_triggers(value: object, path: str, log: FaultLog, expressions: Expressions) -> Triggers:
    events: dict[EventTrigger, str] = {}
    crons: dict[tuple[str, str], CronTrigger] = {}
    for index, entry in enumerate(check_list(value, path, log, 1, MAX_TRIGGERS) or []):
        entry_path = at(path, index)
        if isinstance(entry, dict) and "cron" in entry and "event" not in entry:
            cron = _parse_cron_trigger(entry, entry_path, log)
            if cron is not None and crons.setdefault(_times(cron), cron) is not cron:
                log.add(at(entry_path, "cron"), f"{shown(cron.cron)} is already one of the triggers")
            continue
        trigger = _parse_event_trigger(entry, entry_path, log, expressions)
        if trigger in events:
            log.add(at(entry_path, "event"), f"{shown(trigger.event)} is already one of the triggers")
        elif trigger is not None:
            events[trigger] = entry_path
    _refuse_pointless(events, log)
    return Triggers(tuple(events), tuple(crons.values()))


def _parse_cron_trigger(value: object, path: str, log: FaultLog) -> CronTrigger | None:
    found = check_object(value, path, log, ("cron",))
    return None if found is None else required(found, "cron", path, log, parse_cron)


def _times(cron: CronTrigger) -> tuple[str, str]:
    return cron.schedule.upper(), cron.timezone


def _parse_event_trigger(value: object, path: str, log: FaultLog, expressions: Expressions) -> EventTrigger | None:
    before = log.count
    found = check_object(value, path, log, ("event", "expression", "cron", *later.EVENT_TRIGGER))
    if found is None:
        return None
    if "cron" in found:
        log.add(path, "must have either an event or a cron, not both")
    later.refuse_later(found, path, log, later.EVENT_TRIGGER)
    if "event" not in found:
        log.add(path, "must have an event, or a cron")
    event = optional(found, "event", path, log, check_name)
    expression = optional(found, "expression", path, log, expressions.over(TRIGGER_NAMES))
    # One with a fault is not compared with the others.
    return None if event is None or log.count > before else EventTrigger(event, expression)


def _refuse_pointless(events: dict[EventTrigger, str], log: FaultLog) -> None:
    for trigger, path in events.items():
        every = None if trigger.expression is None else events.get(EventTrigger(trigger.event))
        if every is not None:
            log.add(at(path, "expression"), f"decides nothing: {every} takes every {shown(trigger.event)}")
