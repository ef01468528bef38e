"""Timestamps and durations: reading, writing, shifting. Microseconds are the finest, years 1 to 9999 the range."""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from apps.expressions.errors import ExpressionError
from apps.expressions.values import to_double

MAX_DURATION = timedelta(seconds=315_576_000_000)
MILLISECONDS_FROM = 100_000_000_000
"""A number of this size or more is milliseconds since 1970, a smaller one seconds: as seconds it is the year 5138,
as milliseconds March 1973."""

MAX_TEXT = 100
_MICROSECONDS = {
    "ns": Decimal("1e-3"),
    "us": Decimal(1),
    "µs": Decimal(1),  # U+00B5, the micro sign
    "μs": Decimal(1),  # U+03BC, the Greek letter
    "ms": Decimal(1_000),
    "s": Decimal(1_000_000),
    "m": Decimal(60_000_000),
    "h": Decimal(3_600_000_000),
    "d": Decimal(86_400_000_000),
    "w": Decimal(604_800_000_000),
}
_PART = re.compile(r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)(ns|us|µs|μs|ms|[smhdw])")
_TIME = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})"
    r"(?:[Tt]([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]{1,9}))?(?:([Zz])|([-+])([0-9]{2}):([0-9]{2}))?)?"
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def read_duration(text: str) -> timedelta:
    """`1h30m`, `-1.5h`, `2d`, `1w`: Go's form, with days and weeks. Raises ExpressionError."""
    digits = text[1:] if text[:1] in ("-", "+") else text
    total, position = Decimal(0), 0
    while len(text) <= MAX_TEXT and (part := _PART.match(digits, position)):
        total += Decimal(part[1]) * _MICROSECONDS[part[2]]
        position = part.end()
    if digits == "0":
        return timedelta(0)
    if not digits or position != len(digits):
        raise ExpressionError('not a duration such as "30s", "1h30m" or "2d" (units: ns us ms s m h d w)')
    if total > MAX_DURATION // timedelta(microseconds=1):
        raise ExpressionError("overflow: the duration is out of range")
    return timedelta(microseconds=int(-total if text[0] == "-" else total))


def read_time(text: str) -> datetime:
    """RFC 3339. Raises ExpressionError."""
    time = _read(text, whole=True)
    if time is None:
        raise ExpressionError('not a time such as "2026-01-31T09:30:00Z"')
    return time


def read_date(text: str) -> datetime:
    """RFC 3339, a time without its offset (taken as UTC), or a plain date. Raises ExpressionError."""
    time = _read(text, whole=False)
    if time is None:
        raise ExpressionError('not a date such as "2026-01-31" or "2026-01-31T09:30:00Z"')
    return time


def _read(text: str, whole: bool) -> datetime | None:
    match = _TIME.fullmatch(text)
    if match is None or (whole and not (match[8] or match[9])):
        return None
    year, month, day, hour, minute, second = (int(part or 0) for part in match.groups()[:6])
    microsecond = int((match[7] or "").ljust(6, "0")[:6])
    offset = timedelta(hours=int(match[10] or 0), minutes=int(match[11] or 0))
    try:
        local = datetime(year, month, day, hour, minute, second, microsecond, tzinfo=UTC)
    except ValueError:
        return None
    return shift(local, offset if match[9] == "-" else -offset)


def from_seconds(seconds: float) -> datetime:
    """Raises ExpressionError for what is no time."""
    return shift(_EPOCH, seconds_long(seconds))


def from_number(number: float) -> datetime:
    """Seconds or milliseconds since 1970, told apart by their size. Raises ExpressionError."""
    return from_seconds(number if abs(number) < MILLISECONDS_FROM else to_double(number) / 1_000)


def seconds_long(seconds: float) -> timedelta:
    """Raises ExpressionError."""
    try:
        return checked_duration(timedelta(seconds=seconds))
    except (OverflowError, ValueError):
        raise ExpressionError("overflow: the duration is out of range") from None


def shift(time: datetime, by: timedelta) -> datetime:
    try:
        return time + by
    except OverflowError:
        raise ExpressionError("overflow: the time is out of range") from None


def checked_duration(duration: timedelta) -> timedelta:
    if -MAX_DURATION <= duration <= MAX_DURATION:
        return duration
    raise ExpressionError("overflow: the duration is out of range")


def seconds_of(time: datetime) -> int:
    """Whole seconds since 1970."""
    return (time - _EPOCH) // timedelta(seconds=1)


def write_time(time: datetime) -> str:
    text = time.astimezone(UTC).replace(tzinfo=None).isoformat()
    return f"{text.rstrip('0') if '.' in text else text}Z"


def write_duration(duration: timedelta) -> str:
    microseconds = duration // timedelta(microseconds=1)
    sign = "-" if microseconds < 0 else ""
    seconds, fraction = divmod(abs(microseconds), 1_000_000)
    return f"{sign}{seconds}{f'.{fraction:06}'.rstrip('0').rstrip('.')}s"
