"""`cancel`: the events that cancel a function's runs."""

from apps.datastore.definition.expressions import Expressions
from apps.datastore.definition.faults import FaultLog, at
from apps.datastore.definition.scopes import CANCEL_NAMES
from apps.datastore.definition.types import CancelOn
from apps.datastore.definition.values import check_duration, check_list, check_name, check_object, optional, required

MAX_CANCELS = 100


def parse_cancels(value: object, path: str, log: FaultLog, expressions: Expressions) -> tuple[CancelOn, ...]:
    """Those that are right; the others are in the log."""
    cancels: dict[CancelOn, str] = {}
    for index, entry in enumerate(check_list(value, path, log, 1, MAX_CANCELS) or []):
        entry_path = at(path, index)
        cancel = _parse_cancel(entry, entry_path, log, expressions)
        if cancel in cancels:
            log.add(entry_path, f"is the same as {cancels[cancel]}")
        elif cancel is not None:
            cancels[cancel] = entry_path
    return tuple(cancels)


def _parse_cancel(value: object, path: str, log: FaultLog, expressions: Expressions) -> CancelOn | None:
    before = log.count
    found = check_object(value, path, log, ("event", "if", "timeout"))
    if found is None:
        return None
    event = required(found, "event", path, log, check_name)
    condition = optional(found, "if", path, log, expressions.over(CANCEL_NAMES))
    timeout = optional(found, "timeout", path, log, check_duration)
    # One with a fault is not compared with the others.
    return None if event is None or log.count > before else CancelOn(event, condition, timeout)
