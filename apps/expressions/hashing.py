"""Values as numbers, so that a database can look for equal ones.

The numbers are kept: to change how they come about is to lose the waits that hold old ones.
"""

import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from hashlib import blake2b

from apps.expressions.comparing import NUMBERS
from apps.expressions.values import MAX_INT, MIN_INT, TYPE_NAMES, Value, to_double

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_WORDS = {None: b"null\n", False: b"false\n", True: b"true\n"}


def hash_values(values: Sequence[Value]) -> int | None:
    """64 bits, signed; the same in every process and release. Values that `==` takes for equal have the same.

    None if the values can equal nothing, because there is a NaN among them.
    """
    parts: list[bytes] = []
    # Not recursive: data nests as deep as it likes.
    pending: list[Value] = [*reversed(values)]
    while pending:
        value = pending.pop()
        kind = type(value)
        if kind is str:
            parts.append(_text(value))
        elif kind is list:
            parts.append(b"list %d\n" % len(value))
            pending.extend(reversed(value))
        elif kind is dict:
            # All keys go before all values: they need no place on the stack.
            keys = sorted(value) if all(type(key) is str for key in value) else sorted(value, key=_canonical)
            parts.append(b"map %d\n" % len(value))
            parts.extend(map(_canonical, keys))
            pending.extend([value[key] for key in reversed(keys)])
        elif kind is float and math.isnan(value):
            return None
        else:
            parts.append(_canonical(value))
    return int.from_bytes(blake2b(b"".join(parts), digest_size=8).digest(), "big", signed=True)


def _text(value: str) -> bytes:
    raw = value.encode(errors="surrogatepass")
    return b"text %d %b\n" % (len(raw), raw)


def _canonical(value: Value) -> bytes:
    """The same bytes for equal values; none begins another's."""
    kind = type(value)
    if kind is str:
        return _text(value)
    if kind is int and MIN_INT <= value <= MAX_INT:
        return b"number %d\n" % value
    if value is None or kind is bool:
        return _WORDS[value]
    if kind in NUMBERS:
        return b"number %b\n" % _number(value).encode()
    if kind is bytes:
        return b"bytes %d %b\n" % (len(value), value)
    if kind is datetime:
        return b"time %d\n" % ((value - _EPOCH) // timedelta(microseconds=1))
    if kind is timedelta:
        return b"duration %d\n" % (value // timedelta(microseconds=1))
    return b"%b %b\n" % (str(TYPE_NAMES[kind]).encode(), str(value).encode())


def _number(value: float) -> str:
    """Whole numbers of 64 bits as such, whatever their type; the rest as doubles, or as what no double equals."""
    if type(value) is float:
        return str(int(value)) if MIN_INT <= value < MAX_INT + 1 and value.is_integer() else value.hex()
    if MIN_INT <= value <= MAX_INT:
        return str(int(value))
    double = to_double(value)
    return double.hex() if double == value else f"{value:#x}"
