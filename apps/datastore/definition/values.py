"""Checks of single values. Each gives the value if it is right, else logs a fault and gives None."""

import re
from collections.abc import Callable, Collection
from typing import TypeVar

from apps.datastore.definition.durations import InvalidDuration, parse_duration
from apps.datastore.definition.faults import FaultLog, at, shown
from apps.datastore.definition.suggestions import did_you_mean

T = TypeVar("T")

MAX_SLUG = 100
MAX_NAME = 200
MAX_TEXT = 10_000
MAX_EDGES = 100

_SLUG = re.compile(r"[a-z0-9]+(?:[-_]+[a-z0-9]+)*")
# Postgres refuses NUL, JSON encoders refuse lone surrogates, and a log line is spoilt by the rest.
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
# Expressions may well be written over several lines.
_UNSTORABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff]")


def kind(value: object) -> str:
    """What JSON calls the value, for a message."""
    match value:
        case None:
            return "null"
        case bool():
            return "true or false"
        case int() | float():
            return "a number"
        case str():
            return "text"
        case list():
            return "an array"
        case dict():
            return "an object"
        case _:
            return "not JSON"


def check_object(
    value: object, path: str, log: FaultLog, known: Collection[str] | None = None
) -> dict[str, object] | None:
    """An object, with `known` as its only fields if that is given; unknown ones are logged, not removed."""
    if not isinstance(value, dict):
        log.add(path, f"must be an object, not {kind(value)}")
        return None
    for key in value:
        if not isinstance(key, str):
            log.add(path, f"has a field whose name is not text but {kind(key)}")
            return None
        if known is not None and key not in known:
            # A full log keeps no message, so the search for a near name would be for nothing.
            log.add(at(path, key), "unknown field" if log.full else "unknown field" + did_you_mean(key, known))
    return value


def required(
    found: dict[str, object], name: str, path: str, log: FaultLog, check: Callable[[object, str, FaultLog], T]
) -> T | None:
    """What `check` gives for the object's field of that name; a fault if it isn't there."""
    if name not in found:
        log.add(at(path, name), "is missing")
    return optional(found, name, path, log, check)


def optional(
    found: dict[str, object], name: str, path: str, log: FaultLog, check: Callable[[object, str, FaultLog], T]
) -> T | None:
    return check(found[name], at(path, name), log) if name in found else None


def check_list(value: object, path: str, log: FaultLog, low: int, high: int) -> list[object] | None:
    if not isinstance(value, list):
        log.add(path, f"must be an array, not {kind(value)}")
    elif len(value) < low:
        log.add(path, "must not be empty" if low == 1 else f"must have at least {low} entries")
    elif len(value) > high:
        log.add(path, f"has {len(value)} entries; the limit is {high}")
    else:
        return value
    return None


def check_text(value: object, path: str, log: FaultLog, limit: int = MAX_TEXT, one_line: bool = False) -> str | None:
    if not isinstance(value, str):
        log.add(path, f"must be text, not {kind(value)}")
    elif not value.strip():
        log.add(path, "must not be empty")
    elif len(value) > limit:
        log.add(path, f"has {len(value)} characters; the limit is {limit}")
    elif (_UNPRINTABLE if one_line else _UNSTORABLE).search(value):
        log.add(path, "must not have control characters or broken Unicode")
    else:
        return value
    return None


def check_name(value: object, path: str, log: FaultLog) -> str | None:
    return check_text(value, path, log, MAX_NAME, one_line=True)


def check_slug(value: object, path: str, log: FaultLog) -> str | None:
    text = check_text(value, path, log, MAX_SLUG, one_line=True)
    if text is None or _SLUG.fullmatch(text):
        return text
    slug = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
    hint = f"; {shown(slug)} would do" if slug else ""
    log.add(path, f'must be a slug: lowercase letters and digits, with "-" or "_" between them{hint}')
    return None


def check_whole_number(value: object, path: str, log: FaultLog, low: int, high: int) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int):
        log.add(path, f"must be a whole number, not {'a fraction' if isinstance(value, float) else kind(value)}")
    elif not low <= value <= high:
        log.add(path, f"must be from {low} to {high}")
    else:
        return value
    return None


def check_flag(value: object, path: str, log: FaultLog) -> bool | None:
    if isinstance(value, bool):
        return value
    log.add(path, f"must be true or false, not {kind(value)}")
    return None


def check_duration(value: object, path: str, log: FaultLog) -> float | None:
    """Seconds, more than none."""
    text = check_text(value, path, log)
    if text is None:
        return None
    try:
        seconds = parse_duration(text)
    except InvalidDuration as fault:
        log.add(path, str(fault))
        return None
    if seconds <= 0:
        log.add(path, "must be more than zero")
        return None
    return seconds


def check_choice(value: object, path: str, log: FaultLog, choices: Collection[str]) -> str | None:
    text = check_text(value, path, log)
    if text is None or text in choices:
        return text
    known = ", ".join(map(shown, choices))
    log.add(path, f"must be one of {known}, not {shown(text)}{did_you_mean(text, choices)}")
    return None
