"""Fields that the format has and this server does not act on yet.

Each is checked for its shape and then refused: a function that relies on a limit or a condition must not
run without it. When a field is built, its row leaves this file.
"""

from collections.abc import Mapping

from apps.datastore.definition import shapes
from apps.datastore.definition.faults import FaultLog, at
from apps.datastore.definition.shapes import Shape, choice, duration, list_of, record, text, whole_number

MANY = 1_000_000_000


def _concurrency(value: object, path: str, log: FaultLog) -> None:
    one = record({"limit": whole_number(1, MANY)}, {"key": text, "scope": choice("fn", "env", "account")})
    if isinstance(value, list):
        list_of(one, 1, 2)(value, path, log)
    elif isinstance(value, dict):
        one(value, path, log)
    else:
        whole_number(1, MANY)(value, path, log)


FUNCTION: Mapping[str, Shape] = {
    "concurrency": _concurrency,
    "rateLimit": record({"limit": whole_number(1, MANY), "period": duration}, {"key": text}),
    "debounce": record({"period": duration}, {"key": text, "timeout": duration}),
    "batchEvents": record(
        {"maxSize": whole_number(1, 100), "timeout": shapes.duration_between(1, 60, "from 1s to 60s")},
        {"key": text, "if": text},
    ),
    "priority": record({"run": text}),
    "singleton": record({"mode": choice("skip", "cancel")}, {"key": text}),
    "timeouts": record({}, {"start": duration, "finish": duration}),
}

DELAYING_THROTTLE: Shape = record(
    {"limit": whole_number(1, MANY), "period": duration}, {"key": text, "burst": whole_number(1, MANY)}
)


def refuse_later(found: Mapping[str, object], path: str, log: FaultLog, fields: Mapping[str, Shape]) -> None:
    """Check and refuse those of `fields` that the object has; a field with another fault is refused for that alone."""
    for name, shape in fields.items():
        if name in found:
            before = log.count
            shape(found[name], at(path, name), log)
            if log.count == before:
                log.add(at(path, name), "is not yet supported")


def refuse_delaying_throttle(value: object, path: str, log: FaultLog) -> None:
    before = log.count
    DELAYING_THROTTLE(value, path, log)
    if log.count == before:
        problem = 'with "limit", which delays starts, is not yet supported; "count" drops those beyond it, and is'
        log.add(path, problem)
