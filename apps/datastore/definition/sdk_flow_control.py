"""Flow control as an SDK registers it. It is checked and kept, but not enforced yet: the registration says so.

Refusing it, as for declared functions, would keep whole apps from running for the sake of one limit.
"""

from collections.abc import Callable, Mapping

from apps.datastore.definition import values
from apps.datastore.definition.expressions import Expressions
from apps.datastore.definition.faults import FaultLog, at
from apps.datastore.definition.scopes import KEY_NAMES
from apps.datastore.definition.sdk_values import check_fields

Check = Callable[[object, str, FaultLog], object]

MANY = 1_000_000_000


def parse_flow_control(
    found: Mapping[str, object], path: str, log: FaultLog, expressions: Expressions
) -> dict[str, object]:
    """What the function asks for, by field, with the fields that are known: those that are empty are left out."""
    key = expressions.over(KEY_NAMES)
    shapes: dict[str, dict[str, Check]] = {
        "concurrency": {"limit": _whole_number, "key": key, "scope": values.check_name},
        "throttle": {"limit": _whole_number, "period": _duration, "burst": _whole_number, "key": key},
        "rateLimit": {"limit": _whole_number, "period": _duration, "key": key},
        "debounce": {"period": _duration, "timeout": _duration, "key": key},
        "batchEvents": {"maxSize": _whole_number, "timeout": _duration, "key": key, "if": key},
        "priority": {"run": key},
        "singleton": {"mode": values.check_name, "key": key},
        "timeouts": {"start": _duration, "finish": _duration},
    }
    asked = {}
    for name, shape in shapes.items():
        value = found.get(name)
        if name == "concurrency":
            value = _concurrency(value, at(path, name), log, shape)
        elif value is not None:
            value = _checked(value, at(path, name), log, shape)
        if value:
            asked[name] = value
    return asked


def _concurrency(value: object, path: str, log: FaultLog, shape: Mapping[str, Check]) -> object:
    """A number, one limit, or several."""
    if isinstance(value, list):
        return [_checked(entry, at(path, index), log, shape) for index, entry in enumerate(value)]
    if isinstance(value, dict):
        return [_checked(value, path, log, shape)]
    return None if value is None else [{"limit": _whole_number(value, path, log)}]


def _checked(value: object, path: str, log: FaultLog, shape: Mapping[str, Check]) -> dict[str, object]:
    found = check_fields(value, path, log) or {}
    for name, check in shape.items():
        if name in found:
            check(found[name], at(path, name), log)
    return {name: found[name] for name in shape if name in found}


def _whole_number(value: object, path: str, log: FaultLog) -> int | None:
    return values.check_whole_number(value, path, log, 0, MANY)


def _duration(value: object, path: str, log: FaultLog) -> str | None:
    """As it was written."""
    return None if values.check_duration(value, path, log) is None else str(value)
