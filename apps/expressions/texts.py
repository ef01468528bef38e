"""Functions on text, and size()."""

from collections.abc import Callable

from apps.expressions.cost import CHARACTERS_PER_UNIT, COMPARED_PER_UNIT, Frame
from apps.expressions.patterns import search
from apps.expressions.values import Value, no_overload

_SHORT_NEEDLE = 16


def size(frame: Frame, value: Value) -> Value:
    if type(value) in (str, bytes, list, dict):
        return len(value)
    if value is None:
        return 0
    raise no_overload("size", value)


def contains(frame: Frame, text: Value, part: Value) -> Value:
    if not _are_texts("contains", text, part):
        return False
    # Python's search may look at some characters once for each of a short text that is looked for.
    frame.charge(len(text) * min(len(part) + 1, _SHORT_NEEDLE) // 64)
    return part in text


def starts_with(frame: Frame, text: Value, part: Value) -> Value:
    if not _are_texts("startsWith", text, part):
        return False
    frame.charge(len(part) // COMPARED_PER_UNIT)
    return text.startswith(part)


def ends_with(frame: Frame, text: Value, part: Value) -> Value:
    if not _are_texts("endsWith", text, part):
        return False
    frame.charge(len(part) // COMPARED_PER_UNIT)
    return text.endswith(part)


def matches(frame: Frame, text: Value, pattern: Value) -> Value:
    return _are_texts("matches", text, pattern) and search(frame, text, pattern)


def lowercase(frame: Frame, text: Value) -> Value:
    return _converted(frame, "lowercase", text, str.lower)


def uppercase(frame: Frame, text: Value) -> Value:
    return _converted(frame, "uppercase", text, str.upper)


def _converted(frame: Frame, name: str, text: Value, convert: Callable[[str], str]) -> Value:
    if text is None:
        return None
    if type(text) is not str:
        raise no_overload(name, text)
    frame.charge(len(text) // CHARACTERS_PER_UNIT)
    return convert(text)


def _are_texts(name: str, text: Value, part: Value) -> bool:
    """False if one of them is null: nothing contains anything, or is contained. Raises ExpressionError for the rest."""
    if type(text) is str and type(part) is str:
        return True
    if type(text) in (str, type(None)) and type(part) in (str, type(None)):
        return False
    raise no_overload(name, text, part)
