"""Attributes, keys and elements. What is not there is null, also below null."""

from apps.expressions.comparing import MISSING, NUMBERS, find
from apps.expressions.cost import Compiled, Frame
from apps.expressions.errors import ExpressionError
from apps.expressions.values import Value


def look_up(value: Value, path: tuple[str, ...]) -> Value:
    """The value at the path, as an expression sees it: null for what is missing."""
    for field in path:
        if type(value) is not dict:
            return None
        value = value.get(field)
    return value


def constant(value: Value) -> Compiled:
    return lambda _frame: value


def variable(slot: int) -> Compiled:
    return lambda frame: frame.values[slot]


def attribute_of_variable(slot: int, path: tuple[str, ...]) -> Compiled:
    """`event.data.id` in one go: what most expressions consist of."""
    if len(path) == 2:
        first, second = path

        def select_two(frame: Frame) -> Value:
            value = frame.values[slot]
            if type(value) is not dict:
                return None
            value = value.get(first)
            return value.get(second) if type(value) is dict else None

        return select_two

    def select(frame: Frame) -> Value:
        value = frame.values[slot]
        for field in path:
            if type(value) is not dict:
                return None
            value = value.get(field)
        return value

    return select


def attribute(operand: Compiled, field: str) -> Compiled:
    def select(frame: Frame) -> Value:
        value = operand(frame)
        return value.get(field) if type(value) is dict else None

    return select


def has_attribute(operand: Compiled, field: str) -> Compiled:
    def has(frame: Frame) -> bool:
        value = operand(frame)
        return type(value) is dict and field in value

    return has


def element(operand: Compiled, key: Compiled) -> Compiled:
    return lambda frame: _element(frame, operand(frame), key(frame))


def _element(frame: Frame, container: Value, key: Value) -> Value:
    if type(container) is dict:
        if type(key) is not str:
            frame.charge(len(container))
        value = find(container, key)
        return None if value is MISSING else value
    if type(container) is not list or key is None or type(key) is str:
        return None
    # A whole double is an index too: JSON does not tell them apart.
    if type(key) not in NUMBERS or (type(key) is float and not key.is_integer()):
        raise ExpressionError("the index of a list must be a whole number")
    return container[int(key)] if 0 <= key < len(container) else None
