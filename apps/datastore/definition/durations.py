"""Durations as people write them in definitions: `30s`, `1h30m`, `1.5d`, `2w`."""

import re
from decimal import Decimal

UNITS = {
    "ns": Decimal("1e-9"),
    "us": Decimal("1e-6"),
    "µs": Decimal("1e-6"),  # U+00B5, the micro sign
    "μs": Decimal("1e-6"),  # U+03BC, the Greek letter: keyboards differ
    "ms": Decimal("1e-3"),
    "s": Decimal(1),
    "m": Decimal(60),
    "h": Decimal(3600),
    "d": Decimal(86_400),
    "w": Decimal(604_800),
}
MAX_LENGTH = 100
# Far beyond any real wait, and within what timestamps and timedelta can hold.
MAX_SECONDS = 100 * 366 * 86_400

_PART = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ns|us|µs|μs|ms|[smhdw])")


class InvalidDuration(ValueError):
    """The text is not a duration; the message says what one looks like."""


class DurationTooLong(InvalidDuration):
    """It is written as durations are, and no clock could hold it."""


def write_duration(seconds: float) -> str:
    """As a person would have written it: 7200.0 is `2h`, 90.0 is `90s`."""
    for unit in ("h", "m"):
        if seconds % float(UNITS[unit]) == 0:
            return f"{seconds / float(UNITS[unit]):g}{unit}"
    return f"{seconds:g}s"


def parse_duration(text: str) -> float:
    """Seconds. Parts are summed, in any order, decimals allowed: `1h30m` is 5400.0."""
    seconds, position = Decimal(0), 0
    if len(text) > MAX_LENGTH:
        raise InvalidDuration(f"a duration has at most {MAX_LENGTH} characters")
    while part := _PART.match(text, position):
        seconds += Decimal(part[1]) * UNITS[part[2]]
        position = part.end()
    if not text or position != len(text):
        raise InvalidDuration('must be a duration such as "30s", "1h30m" or "2d" (units: ns us ms s m h d w)')
    if seconds > MAX_SECONDS:
        raise DurationTooLong("a duration is at most 100 years")
    return float(seconds)
