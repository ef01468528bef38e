"""Functions on timestamps and durations."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

from apps.expressions.comparing import NUMBERS
from apps.expressions.cost import DURATION_CHARACTER, NUMBER_TEXT, TIME_TEXT, Frame
from apps.expressions.errors import ExpressionError
from apps.expressions.times import from_number, read_date, read_duration, shift
from apps.expressions.values import Value, no_overload

_OFFSET = re.compile(r"([-+]?)([0-9]{2}):([0-9]{2})")
_ZONE_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_+-]*(?:/[A-Za-z0-9_+-]+)*")
_ZONE_NOT_LOADED, _ZONE = 5_000, 40


def now(frame: Frame) -> Value:
    return frame.now


def now_plus(frame: Frame, duration: Value) -> Value:
    return shift(frame.now, _duration(frame, "now_plus", duration))


def now_minus(frame: Frame, duration: Value) -> Value:
    return shift(frame.now, -_duration(frame, "now_minus", duration))


def _duration(frame: Frame, name: str, value: Value) -> timedelta:
    if type(value) is timedelta:
        return value
    if type(value) is str:
        frame.charge(DURATION_CHARACTER * len(value))
        return read_duration(value)
    raise no_overload(name, value)


def date(frame: Frame, value: Value) -> Value:
    """A timestamp from whatever an event may have for one. Null stays null."""
    if value is None or type(value) is datetime:
        return value
    if type(value) is str:
        frame.charge(TIME_TEXT)
        return read_date(value)
    if type(value) in NUMBERS:
        frame.charge(NUMBER_TEXT)
        return from_number(value)
    raise no_overload("date", value)


def accessor(
    name: str, of_time: Callable[[datetime], int], of_duration: Callable[[timedelta], int] | None = None
) -> Callable[..., Value]:
    """`getHours()` and its like; a timestamp's in UTC or in the zone that is named."""

    def get(frame: Frame, value: Value, zone: Value = None) -> Value:
        if type(value) is datetime and (zone is None or type(zone) is str):
            return of_time(_in_zone(frame, value, zone))
        if type(value) is timedelta and zone is None and of_duration is not None:
            return of_duration(value)
        raise no_overload(name, value, *([] if zone is None else [zone]))

    return get


def _in_zone(frame: Frame, time: datetime, zone: str | None) -> datetime:
    frame.charge(_ZONE)
    try:
        return time.astimezone(UTC if zone is None else _read_zone(frame, zone))
    except OverflowError:
        raise ExpressionError("overflow: the time is out of range") from None


def _read_zone(frame: Frame, zone: str) -> tzinfo:
    if match := _OFFSET.fullmatch(zone):
        offset = timedelta(hours=int(match[2]), minutes=int(match[3]))
        if offset >= timedelta(days=1):
            raise ExpressionError("not a time zone")
        return timezone(-offset if match[1] == "-" else offset)
    misses = _load_zone.cache_info().misses
    loaded = _load_zone(zone[:100])
    if _load_zone.cache_info().misses != misses:
        frame.charge(_ZONE_NOT_LOADED)
    if loaded is None:
        raise ExpressionError("not a time zone")
    return loaded


@lru_cache(maxsize=1_024)
def _load_zone(name: str) -> ZoneInfo | None:
    if not _ZONE_NAME.fullmatch(name):
        return None
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        return None


ACCESSORS = {
    "getFullYear": accessor("getFullYear", lambda time: time.year),
    "getMonth": accessor("getMonth", lambda time: time.month - 1),
    "getDate": accessor("getDate", lambda time: time.day),
    "getDayOfMonth": accessor("getDayOfMonth", lambda time: time.day - 1),
    "getDayOfWeek": accessor("getDayOfWeek", lambda time: time.isoweekday() % 7),
    "getDayOfYear": accessor("getDayOfYear", lambda time: time.timetuple().tm_yday - 1),
    "getHours": accessor("getHours", lambda time: time.hour, lambda long: _whole(long, hours=1)),
    "getMinutes": accessor("getMinutes", lambda time: time.minute, lambda long: _whole(long, minutes=1)),
    "getSeconds": accessor("getSeconds", lambda time: time.second, lambda long: _whole(long, seconds=1)),
    "getMilliseconds": accessor(
        "getMilliseconds", lambda time: time.microsecond // 1_000, lambda long: long.microseconds // 1_000
    ),
}


def _whole(duration: timedelta, **unit: int) -> int:
    """How many whole units, towards zero."""
    one = timedelta(**unit)
    return duration // one if duration >= timedelta(0) else -(-duration // one)
