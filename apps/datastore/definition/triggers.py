"""`triggers`: what starts a function."""

from typing import NamedTuple

from apps.datastore.definition.crons import parse_cron
from apps.datastore.definition.expressions import Expressions
from apps.datastore.definition.faults import FaultLog, at, shown
from apps.datastore.definition.schemas import Schemas
from apps.datastore.definition.scopes import TRIGGER_NAMES
from apps.datastore.definition.types import CronTrigger, EventTrigger
from apps.datastore.definition.values import check_list, check_name, check_object, optional, required

MAX_TRIGGERS = 100


class Triggers(NamedTuple):
    """Those that are right, in the order of the document; the others are in the log."""

    events: tuple[EventTrigger, ...] = ()
    crons: tuple[CronTrigger, ...] = ()


def parse_triggers(value: object, path: str, log: FaultLog, expressions: Expressions, schemas: Schemas) -> Triggers:
    events: dict[EventTrigger, str] = {}
    taken: set[tuple[str, str | None]] = set()
    crons: dict[tuple[str, str], CronTrigger] = {}
    for index, entry in enumerate(check_list(value, path, log, 1, MAX_TRIGGERS) or []):
        entry_path = at(path, index)
        if isinstance(entry, dict) and "cron" in entry and "event" not in entry:
            cron = _parse_cron_trigger(entry, entry_path, log)
            if cron is not None and crons.setdefault(_times(cron), cron) is not cron:
                log.add(at(entry_path, "cron"), f"{shown(cron.cron)} is already one of the triggers")
            continue
        trigger = _parse_event_trigger(entry, entry_path, log, expressions, schemas)
        if trigger is None:
            continue
        if _starts(trigger) in taken:
            log.add(at(entry_path, "event"), f"{shown(trigger.event)} is already one of the triggers")
        else:
            events[trigger] = entry_path
            taken.add(_starts(trigger))
    _refuse_pointless(events, log)
    _refuse_differing_schemas(events, log)
    return Triggers(tuple(events), tuple(crons.values()))


def _parse_cron_trigger(value: object, path: str, log: FaultLog) -> CronTrigger | None:
    found = check_object(value, path, log, ("cron",))
    return None if found is None else required(found, "cron", path, log, parse_cron)


def _times(cron: CronTrigger) -> tuple[str, str]:
    return cron.schedule.upper(), cron.timezone


def _starts(trigger: EventTrigger) -> tuple[str, str | None]:
    return trigger.event, trigger.expression


def _parse_event_trigger(
    value: object, path: str, log: FaultLog, expressions: Expressions, schemas: Schemas
) -> EventTrigger | None:
    before = log.count
    found = check_object(value, path, log, ("event", "expression", "cron", "definition"))
    if found is None:
        return None
    if "cron" in found:
        log.add(path, "must have either an event or a cron, not both")
    if "event" not in found:
        log.add(path, "must have an event, or a cron")
    event = optional(found, "event", path, log, check_name)
    expression = optional(found, "expression", path, log, expressions.over(TRIGGER_NAMES))
    schema = optional(found, "definition", path, log, schemas.parse)
    # One with a fault is not compared with the others.
    return None if event is None or log.count > before else EventTrigger(event, expression, schema)


def _refuse_pointless(events: dict[EventTrigger, str], log: FaultLog) -> None:
    whole = {trigger.event: path for trigger, path in events.items() if trigger.expression is None}
    for trigger, path in events.items():
        every = None if trigger.expression is None else whole.get(trigger.event)
        if every is not None:
            log.add(at(path, "expression"), f"decides nothing: {every} takes every {shown(trigger.event)}")


def _refuse_differing_schemas(events: dict[EventTrigger, str], log: FaultLog) -> None:
    # An event is one thing, whichever trigger takes it.
    first: dict[str, tuple[str, str]] = {}
    for trigger, path in events.items():
        if trigger.schema is not None:
            schema, place = first.setdefault(trigger.event, (trigger.schema, path))
            if schema != trigger.schema:
                log.add(at(path, "definition"), f"is another schema of {shown(trigger.event)} than {place} has")
