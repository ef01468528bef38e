"""The functions that an expression may call."""

from collections.abc import Callable
from typing import NamedTuple

from apps.expressions import calendar, conversions, texts
from apps.expressions.cost import Compiled
from apps.expressions.values import Value


class Function(NamedTuple):
    run: Callable[..., Value]
    """Takes the frame and the arguments."""

    arguments: tuple[int, ...] = (1,)
    """How many it may take; a method's first is what it is called on."""

    plain: bool = True
    """Written `f(x)`."""

    method: bool = False
    """Written `x.f()`."""


def _method(run: Callable[..., Value], *arguments: int) -> Function:
    return Function(run, arguments, plain=False, method=True)


FUNCTIONS = {
    "size": Function(texts.size, method=True),
    "contains": _method(texts.contains, 2),
    "startsWith": _method(texts.starts_with, 2),
    "endsWith": _method(texts.ends_with, 2),
    "matches": Function(texts.matches, (2,), method=True),
    "lowercase": Function(texts.lowercase, method=True),
    "uppercase": Function(texts.uppercase, method=True),
    "int": Function(conversions.to_int),
    "uint": Function(conversions.to_uint),
    "double": Function(conversions.to_double_value),
    "string": Function(conversions.to_string),
    "bytes": Function(conversions.to_bytes),
    "bool": Function(conversions.to_bool),
    "dyn": Function(conversions.unchanged),
    "type": Function(conversions.type_of),
    "timestamp": Function(conversions.to_timestamp),
    "duration": Function(conversions.to_duration),
    "date": Function(calendar.date),
    "now": Function(calendar.now, (0,)),
    "now_plus": Function(calendar.now_plus),
    "now_minus": Function(calendar.now_minus),
} | {name: _method(run, 1, 2) for name, run in calendar.ACCESSORS.items()}

READ_THE_TIME = frozenset({"now", "now_plus", "now_minus"})


def call(run: Callable[..., Value], arguments: tuple[Compiled, ...]) -> Compiled:
    if len(arguments) == 1:
        (only,) = arguments
        return lambda frame: run(frame, only(frame))
    if len(arguments) == 2:
        first, second = arguments
        return lambda frame: run(frame, first(frame), second(frame))
    return lambda frame: run(frame, *[argument(frame) for argument in arguments])
