"""`+`, `-`, `*`, `/`, `%` and the sign. Whole numbers have 64 bits; numbers of unlike types meet as doubles."""

import math
from collections.abc import Callable
from datetime import datetime, timedelta

from apps.expressions.comparing import NUMBERS
from apps.expressions.cost import CHARACTERS_PER_UNIT, ELEMENTS_PER_UNIT, Frame
from apps.expressions.errors import ExpressionError
from apps.expressions.times import checked_duration, shift
from apps.expressions.values import MAX_INT, MAX_UINT, MIN_INT, UInt, Value, kind, no_operator, to_double


def in_range(number: int) -> int:
    if MIN_INT <= number <= MAX_INT:
        return number
    raise ExpressionError("overflow: the number does not fit into 64 bits")


def in_unsigned_range(number: int) -> UInt:
    if 0 <= number <= MAX_UINT:
        return UInt(number)
    raise ExpressionError("overflow: the number does not fit into 64 unsigned bits")


def _numeric(
    sign: str, on_whole: Callable[[int, int], int], on_doubles: Callable[[float, float], float]
) -> Callable[[Value, Value], Value]:
    def operate(left: Value, right: Value) -> Value:
        kind, other = type(left), type(right)
        if kind is other:
            if kind is int:
                return in_range(on_whole(left, right))
            if kind is float:
                return on_doubles(left, right)
            if kind is UInt:
                return in_unsigned_range(on_whole(int(left), int(right)))
        elif kind in NUMBERS and other in NUMBERS:
            return on_doubles(to_double(left), to_double(right))
        raise no_operator(sign, left, right)

    return operate


def _quotient(left: int, right: int) -> int:
    if right == 0:
        raise ExpressionError("division by zero")
    # Towards zero, where Python's // goes down.
    return left // right if (left < 0) == (right < 0) else -(-left // right)


def _remainder(left: int, right: int) -> int:
    if right == 0:
        raise ExpressionError("modulus by zero")
    return left - right * _quotient(left, right)


def _divided(left: float, right: float) -> float:
    if right != 0:
        return left / right
    if left == 0 or math.isnan(left):
        return math.nan
    return math.copysign(math.inf, left) * math.copysign(1.0, right)


def _no_double_remainder(left: float, right: float) -> float:
    raise no_operator("%", left, right)


_sum = _numeric("+", int.__add__, float.__add__)
_difference = _numeric("-", int.__sub__, float.__sub__)
_product = _numeric("*", int.__mul__, float.__mul__)
_ratio = _numeric("/", _quotient, _divided)
_rest = _numeric("%", _remainder, _no_double_remainder)


def add(frame: Frame, left: Value, right: Value) -> Value:
    kind, other = type(left), type(right)
    if kind is other and kind in (str, bytes):
        frame.charge((len(left) + len(right)) // CHARACTERS_PER_UNIT)
        return left + right
    if kind is other is list:
        frame.charge((len(left) + len(right)) // ELEMENTS_PER_UNIT)
        return left + right
    if kind is datetime and other is timedelta:
        return shift(left, right)
    if kind is timedelta and other is datetime:
        return shift(right, left)
    if kind is other is timedelta:
        return checked_duration(left + right)
    return _sum(left, right)


def subtract(frame: Frame, left: Value, right: Value) -> Value:
    kind, other = type(left), type(right)
    if kind is datetime and other is timedelta:
        return shift(left, -right)
    if kind is other and kind in (datetime, timedelta):
        return checked_duration(left - right)
    return _difference(left, right)


def multiply(frame: Frame, left: Value, right: Value) -> Value:
    return _product(left, right)


def divide(frame: Frame, left: Value, right: Value) -> Value:
    return _ratio(left, right)


def remainder(frame: Frame, left: Value, right: Value) -> Value:
    return _rest(left, right)


def negate(value: Value) -> Value:
    if type(value) is int:
        return in_range(-value)
    if type(value) is float:
        return -value
    raise ExpressionError(f"no such overload: -{kind(value)}")
