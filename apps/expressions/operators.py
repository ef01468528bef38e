"""Operators as closures, with short ways for what conditions are mostly made of."""

import operator
from collections.abc import Callable

from apps.expressions import arithmetic
from apps.expressions.comparing import contained, equal, ordered
from apps.expressions.cost import COMPARED_PER_UNIT, Compiled, Frame
from apps.expressions.values import Value

_ORDER: dict[str, Callable[[Value, Value], bool]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip
ARITHMETIC: dict[str, Callable[[Frame, Value, Value], Value]] = {
    "+": arithmetic.add,
    "-": arithmetic.subtract,
    "*": arithmetic.multiply,
    "/": arithmetic.divide,
    "%": arithmetic.remainder,
}
_WITH_FRAME = ARITHMETIC | {"in": contained}


def binary(sign: str, left: Compiled, right: Compiled) -> Compiled:
    if sign in ("==", "!="):
        return _equality(left, right, wanted=sign == "==")
    if sign in _ORDER:
        return _comparison(sign, left, right)
    operate = _WITH_FRAME[sign]
    return lambda frame: operate(frame, left(frame), right(frame))


def _equality(left: Compiled, right: Compiled, wanted: bool) -> Compiled:
    def compare(frame: Frame) -> bool:
        one, other = left(frame), right(frame)
        if type(one) is type(other) is str and len(one) <= COMPARED_PER_UNIT:
            return (one == other) is wanted
        return equal(frame, one, other) is wanted

    return compare


def equality_with_text(operand: Compiled, text: str, wanted: bool) -> Compiled:
    """With a literal of at most COMPARED_PER_UNIT characters; no other type's == takes text for its equal."""
    return lambda frame: (operand(frame) == text) is wanted


def _comparison(sign: str, left: Compiled, right: Compiled) -> Compiled:
    compare = _ORDER[sign]

    def order(frame: Frame) -> bool:
        one, other = left(frame), right(frame)
        if type(one) is type(other) is int:
            return compare(one, other)
        return ordered(frame, sign, compare, one, other)

    return order


def minus(operand: Compiled) -> Compiled:
    return lambda frame: arithmetic.negate(operand(frame))


def list_of(items: tuple[Compiled, ...]) -> Compiled:
    return lambda frame: [item(frame) for item in items]
