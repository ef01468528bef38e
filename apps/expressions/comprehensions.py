"""The macros that go through a list, or through the keys of a map. Null is gone through like an empty list."""

from collections.abc import Callable, Iterable

from apps.expressions.cost import ABSORBED, Compiled, Frame
from apps.expressions.errors import CostExceeded, ExpressionError
from apps.expressions.logic import truth
from apps.expressions.values import Value, kind

Loop = Callable[[Frame, Iterable[Value]], Value]


def comprehension(over: Compiled, loop: Loop, name: str) -> Compiled:
    def go_through(frame: Frame) -> Value:
        elements = over(frame)
        if type(elements) is list or type(elements) is dict:
            return loop(frame, elements)
        if elements is None:
            return loop(frame, ())
        raise ExpressionError(f"{name}() goes through a list or a map, not {kind(elements)}")

    return go_through


def quantifier(slot: int, cost: int, condition: Compiled, deciding: bool) -> Loop:
    """`all`, which one false decides, or `exists`, which one true does; errors elsewhere are then no matter."""

    def decide(frame: Frame, elements: Iterable[Value]) -> bool:
        fault: ExpressionError | None = None
        values = frame.values
        for element in elements:
            frame.left -= cost
            if frame.left < 0:
                raise CostExceeded
            values[slot] = element
            try:
                if truth(condition(frame)) is deciding:
                    return deciding
            except CostExceeded:
                raise
            except ExpressionError as error:
                frame.charge(ABSORBED)
                fault = error
        if fault is not None:
            raise fault
        return not deciding

    return decide


def exists_one(slot: int, cost: int, condition: Compiled) -> Loop:
    def count(frame: Frame, elements: Iterable[Value]) -> bool:
        found = 0
        values = frame.values
        for element in elements:
            frame.left -= cost
            if frame.left < 0:
                raise CostExceeded
            values[slot] = element
            found += truth(condition(frame))
        return found == 1

    return count


def selection(slot: int, cost: int, condition: Compiled | None, transform: Compiled | None) -> Loop:
    """`filter` and `map`."""

    def collect(frame: Frame, elements: Iterable[Value]) -> list[Value]:
        collected: list[Value] = []
        values = frame.values
        for element in elements:
            frame.left -= cost
            if frame.left < 0:
                raise CostExceeded
            values[slot] = element
            if condition is None or truth(condition(frame)):
                collected.append(element if transform is None else transform(frame))
        return collected

    return collect
