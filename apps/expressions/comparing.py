"""Equality and order. Unlike types are unequal and in no order; numbers compare whatever their type."""

from collections.abc import Callable
from datetime import datetime, timedelta

from apps.expressions.cost import COMPARED_PER_UNIT, Frame
from apps.expressions.errors import CostExceeded
from apps.expressions.values import UInt, Value, no_operator

MISSING = object()
NUMBERS = frozenset({int, float, UInt})

_ORDERED = frozenset({bool, str, bytes, datetime, timedelta})


def equal(frame: Frame, left: Value, right: Value) -> bool:
    """CEL's `==`. Python's own would take true for 1."""
    kind = type(left)
    if kind is str or kind is bytes:
        if type(right) is not kind:
            return False
        if len(left) > COMPARED_PER_UNIT:
            frame.charge(len(left) // COMPARED_PER_UNIT)
        return bool(left == right)
    if kind is list or kind is dict:
        return type(right) is kind and _equal_within(frame, left, right)
    if kind is bool or type(right) is bool:
        return left is right
    return bool(left == right)


def _equal_within(frame: Frame, left: Value, right: Value) -> bool:
    """Not recursive: data nests as deep as it likes."""
    pending = [(left, right)]
    while pending:
        left, right = pending.pop()
        if type(left) is not type(right) or len(left) != len(right):
            return False
        frame.left -= 6 + 4 * len(left)
        if frame.left < 0:
            raise CostExceeded
        for one, other in _pairs(left, right):
            if type(one) is list or type(one) is dict:
                pending.append((one, other))
            elif not equal(frame, one, other):
                return False
    return True


def _pairs(left: Value, right: Value) -> "zip[tuple[Value, Value]]":
    if type(left) is list:
        return zip(left, right, strict=True)
    return zip(left.values(), [find(right, key) for key in left], strict=True)


def find(mapping: dict[Value, Value], key: Value) -> Value:
    """The value under the key, or MISSING. The keys 1, 1u and 1.0 are the same; 1 and true are not."""
    kind = type(key)
    if kind is str:
        return mapping.get(key, MISSING)
    if kind is bool:
        return next((value for own, value in mapping.items() if own is key), MISSING)
    if kind not in NUMBERS:
        return MISSING
    if key in (0, 1):
        return next((value for own, value in mapping.items() if type(own) in NUMBERS and own == key), MISSING)
    return mapping.get(key, MISSING)


def contained(frame: Frame, item: Value, container: Value) -> bool:
    """CEL's `in`: an element of a list, a key of a map. Nothing is in anything else."""
    if type(container) is dict:
        if type(item) is not str:
            frame.charge(len(container))
        return find(container, item) is not MISSING
    if type(container) is not list:
        return False
    if type(item) is str:
        # No other type's == takes text for its equal.
        frame.charge(len(container) * (1 + len(item) // COMPARED_PER_UNIT) // 2)
        return item in container
    frame.charge(2 * len(container))
    return any(equal(frame, item, one) for one in container)


def ordered(frame: Frame, sign: str, compare: Callable[[Value, Value], bool], left: Value, right: Value) -> bool:
    """CEL's `<` and its like. Raises ExpressionError for two of a type that has no order."""
    kind, other = type(left), type(right)
    if kind in NUMBERS and other in NUMBERS:
        return compare(left, right)
    if kind is not other or left is None:
        return False
    if kind not in _ORDERED:
        raise no_operator(sign, left, right)
    if (kind is str or kind is bytes) and len(left) > COMPARED_PER_UNIT:
        frame.charge(len(left) // COMPARED_PER_UNIT)
    return compare(left, right)
