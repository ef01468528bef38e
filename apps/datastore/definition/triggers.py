"""`triggers`: what starts a function."""

from apps.datastore.definition import later
from apps.datastore.definition.faults import FaultLog, at, shown
from apps.datastore.definition.types import EventTrigger
from apps.datastore.definition.values import check_list, check_name, check_object

MAX_TRIGGERS = 100


def parse_triggers(value: object, path: str, log: FaultLog) -> tuple[EventTrigger, ...]:
    """The triggers that are right; the others are in the log."""
    triggers: dict[str, EventTrigger] = {}
    for index, entry in enumerate(check_list(value, path, log, 1, MAX_TRIGGERS) or []):
        trigger = _parse_trigger(entry, at(path, index), log)
        if trigger is None:
            continue
        # With expressions, one event in two triggers will make sense; without, it can only be a slip.
        if trigger.event in triggers and isinstance(entry, dict) and "expression" not in entry:
            log.add(at(at(path, index), "event"), f"{shown(trigger.event)} is already one of the triggers")
        triggers[trigger.event] = trigger
    return tuple(triggers.values())


def _parse_trigger(value: object, path: str, log: FaultLog) -> EventTrigger | None:
    if isinstance(value, dict) and "cron" in value and "event" not in value:
        found = check_object(value, path, log, later.CRON_TRIGGER)
        later.refuse_later(found or {}, path, log, later.CRON_TRIGGER)
        return None
    found = check_object(value, path, log, ("event", "cron", *later.EVENT_TRIGGER))
    if found is None:
        return None
    if "cron" in found:
        log.add(path, "must have either an event or a cron, not both")
    later.refuse_later(found, path, log, later.EVENT_TRIGGER)
    if "event" not in found:
        log.add(path, "must have an event, or a cron")
        return None
    event = check_name(found["event"], at(path, "event"), log)
    return None if event is None else EventTrigger(event)
