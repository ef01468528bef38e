"""Values as text, for keys: equal values give equal text."""

import math
from base64 import b64encode
from datetime import datetime, timedelta
from json.encoder import encode_basestring

from apps.expressions.cost import CHARACTERS_PER_UNIT, Compiled, Frame
from apps.expressions.times import write_duration, write_time
from apps.expressions.values import MAX_INT, MIN_INT, Value

_NODE = 6


class _Sign(str):
    """Punctuation that waits for its turn among values."""

    __slots__ = ()


def joined(parts: tuple[str | Compiled, ...]) -> Compiled:
    def join(frame: Frame) -> str:
        return "".join(part if isinstance(part, str) else _text(frame, part(frame)) for part in parts)

    return join


def _text(frame: Frame, value: Value) -> str:
    if type(value) is list or type(value) is dict:
        return _json(frame, value)
    text = "" if value is None else _bare(value)
    frame.charge(len(text) // CHARACTERS_PER_UNIT)
    return text


def _bare(value: Value) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case float() if math.isfinite(value) and value.is_integer() and MIN_INT <= value <= MAX_INT:
            return str(int(value))
        case float():
            return repr(value)
        case int():
            return str(int(value)) if MIN_INT <= value <= 2 * MAX_INT + 1 else hex(value)
        case bytes():
            return b64encode(value).decode()
        case datetime():
            return write_time(value)
        case timedelta():
            return write_duration(value)
    return str(value)


def _json(frame: Frame, value: Value) -> str:
    """Compact, keys in order. Not recursive: data nests as deep as it likes."""
    parts: list[str] = []
    pending: list[Value] = [value]
    while pending:
        value = pending.pop()
        frame.charge(_NODE)
        if type(value) is _Sign:
            parts.append(value)
        elif type(value) is list:
            pending.extend(reversed(_between("[", [[one] for one in value], "]")))
        elif type(value) is dict:
            by_text = sorted((_bare(key), key) for key in value)
            entries = [[text, _Sign(":"), value[key]] for text, key in by_text]
            pending.extend(reversed(_between("{", entries, "}")))
        elif value is None or isinstance(value, bool | float | int):
            parts.append(_bare(value))
        else:
            text = _bare(value)
            frame.charge(len(text) // CHARACTERS_PER_UNIT)
            parts.append(encode_basestring(text))
    return "".join(parts)


def _between(opening: str, groups: list[list[Value]], closing: str) -> list[Value]:
    flat: list[Value] = [_Sign(opening)]
    for index, group in enumerate(groups):
        if index:
            flat.append(_Sign(","))
        flat.extend(group)
    return [*flat, _Sign(closing)]
