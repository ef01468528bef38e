"""From one type to another: `int()`, `string()` and their like."""

import re
from datetime import datetime, timedelta

from apps.expressions.arithmetic import in_range, in_unsigned_range
from apps.expressions.comparing import NUMBERS
from apps.expressions.cost import CHARACTERS_PER_UNIT, DURATION_CHARACTER, NUMBER_TEXT, TIME_TEXT, Frame
from apps.expressions.errors import ExpressionError
from apps.expressions.times import (
    from_seconds,
    read_duration,
    read_time,
    seconds_of,
    write_duration,
    write_time,
)
from apps.expressions.values import TYPE_NAMES, UInt, Value, no_overload, to_double

_WHOLE = re.compile(r"[-+]?[0-9]{1,30}")
_DOUBLE = re.compile(
    r"[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?|[-+]?(?:inf|infinity|nan)", re.IGNORECASE
)
_MAX_NUMBER = 1_000
_BOOLS = dict.fromkeys(("1", "t", "T", "true", "True", "TRUE"), True)
_BOOLS |= dict.fromkeys(("0", "f", "F", "false", "False", "FALSE"), False)


def to_int(frame: Frame, value: Value) -> Value:
    match value:
        case bool():
            pass
        case float():
            return _truncated(value, -(2.0**63), 2.0**63)
        case int():
            return in_range(int(value))
        case str():
            frame.charge(NUMBER_TEXT)
            return in_range(_whole(value))
        case datetime():
            return seconds_of(value)
    raise no_overload("int", value)


def to_uint(frame: Frame, value: Value) -> Value:
    match value:
        case bool():
            pass
        case float():
            return UInt(_truncated(value, -1.0, 2.0**64))
        case int():
            return in_unsigned_range(int(value))
        case str():
            frame.charge(NUMBER_TEXT)
            return in_unsigned_range(_whole(value))
    raise no_overload("uint", value)


def _truncated(value: float, low: float, high: float) -> int:
    """As in the specification, the least number of 64 bits is out of range: doubles near it round to it."""
    if low < value < high:
        return int(value)
    raise ExpressionError("overflow: the number does not fit into 64 bits")


def _whole(text: str) -> int:
    if not _WHOLE.fullmatch(text):
        raise ExpressionError("the text is not a whole number")
    return int(text)


def to_double_value(frame: Frame, value: Value) -> Value:
    if type(value) in NUMBERS:
        return to_double(value)
    if type(value) is str:
        frame.charge(NUMBER_TEXT + min(len(value), _MAX_NUMBER) // 8)
        if len(value) > _MAX_NUMBER or not _DOUBLE.fullmatch(value):
            raise ExpressionError("the text is not a number")
        return float(value)
    raise no_overload("double", value)


def to_string(frame: Frame, value: Value) -> Value:
    match value:
        case str() if type(value) is str:
            return value
        case bool():
            return "true" if value else "false"
        case float():
            frame.charge(NUMBER_TEXT)
            return write_double(value)
        case int():
            return str(int(value)) if abs(value) < 1 << 64 else write_double(to_double(value))
        case bytes():
            frame.charge(len(value) // CHARACTERS_PER_UNIT)
            return _decoded(value)
        case datetime():
            frame.charge(TIME_TEXT)
            return write_time(value)
        case timedelta():
            frame.charge(TIME_TEXT)
            return write_duration(value)
    raise no_overload("string", value)


def write_double(value: float) -> str:
    """The shortest text that reads as this number; a whole one without a fraction."""
    return str(int(value)) if abs(value) < 1e15 and value == int(value) else repr(value)


def _decoded(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise ExpressionError("the bytes are not UTF-8") from None


def to_bytes(frame: Frame, value: Value) -> Value:
    if type(value) is bytes:
        return value
    if type(value) is not str:
        raise no_overload("bytes", value)
    frame.charge(len(value) // CHARACTERS_PER_UNIT)
    return value.encode(errors="surrogatepass")


def to_bool(frame: Frame, value: Value) -> Value:
    if type(value) is bool:
        return value
    if type(value) is not str:
        raise no_overload("bool", value)
    if value in _BOOLS:
        return _BOOLS[value]
    raise ExpressionError("the text is neither true nor false")


def to_timestamp(frame: Frame, value: Value) -> Value:
    match value:
        case datetime():
            return value
        case str() if type(value) is str:
            frame.charge(TIME_TEXT)
            return read_time(value)
        case int() | float() if type(value) in NUMBERS:
            frame.charge(NUMBER_TEXT)
            return from_seconds(value)
    raise no_overload("timestamp", value)


def to_duration(frame: Frame, value: Value) -> Value:
    if type(value) is timedelta:
        return value
    if type(value) is str:
        frame.charge(DURATION_CHARACTER * len(value))
        return read_duration(value)
    raise no_overload("duration", value)


def type_of(frame: Frame, value: Value) -> Value:
    return TYPE_NAMES[type(value)]


def unchanged(frame: Frame, value: Value) -> Value:
    return value
