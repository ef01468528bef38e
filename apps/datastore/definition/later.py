"""Fields that the format has and this server does not act on yet.

Each is checked for its shape and then refused: a function that relies on a limit or a condition must not
run without it. When a field is built, its row leaves this file.
"""

from collections.abc import Mapping

from apps.datastore.definition import shapes, values
from apps.datastore.definition.crons import check_cron
from apps.datastore.definition.faults import FaultLog, at
from apps.datastore.definition.shapes import Shape, choice, duration, list_of, record, text, whole_number

MANY = 1_000_000_000


def _throttle(value: object, path: str, log: FaultLog) -> None:
    # `count` is the dropping kind of 2022, `limit` the SDK's, which delays; both at once means neither.
    amount = whole_number(1, MANY)
    if isinstance(value, dict) and "limit" in value and "count" not in value:
        record({"limit": amount, "period": duration}, {"key": text, "burst": amount})(value, path, log)
    else:
        record({"count": amount, "period": duration}, {"key": text})(value, path, log)


def _concurrency(value: object, path: str, log: FaultLog) -> None:
    one = record({"limit": whole_number(1, MANY)}, {"key": text, "scope": choice("fn", "env", "account")})
    if isinstance(value, list):
        list_of(one, 1, 2)(value, path, log)
    elif isinstance(value, dict):
        one(value, path, log)
    else:
        whole_number(1, MANY)(value, path, log)


def _schema(value: object, path: str, log: FaultLog) -> None:
    if not isinstance(value, dict):
        text(value, path, log)


FUNCTION: Mapping[str, Shape] = {
    "idempotency": text,
    "throttle": _throttle,
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
    "cancel": list_of(record({"event": shapes.name}, {"if": text, "timeout": duration}), 1, 100),
}

EVENT_TRIGGER: Mapping[str, Shape] = {
    "expression": text,
    "definition": record({"format": choice("json-schema", "cue"), "def": _schema}, {"synced": shapes.flag}),
}

CRON_TRIGGER: Mapping[str, Shape] = {"cron": check_cron}

EDGE: Mapping[str, Shape] = {
    "if": text,
    "wait": text,
    "async": record({"event": shapes.name, "ttl": duration}, {"match": text, "onTimeout": shapes.flag}),
    "steps": list_of(shapes.slug, 1, values.MAX_EDGES),
}

RUNTIMES: Mapping[str, Shape] = {
    "docker": record({"type": text}, {"dockerfile": text, "image": text}),
    "wasm": record({"type": text}, {"module": text}),
}


def refuse_later(found: Mapping[str, object], path: str, log: FaultLog, fields: Mapping[str, Shape]) -> None:
    """Check and refuse those of `fields` that the object has; a field with another fault is refused for that alone."""
    for name, shape in fields.items():
        if name in found:
            before = log.count
            shape(found[name], at(path, name), log)
            if log.count == before:
                log.add(at(path, name), "is not yet supported")
