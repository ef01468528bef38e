"""What an evaluation may cost.

A unit is about a tenth of a microsecond. Every node of the syntax tree costs one, whether or not it is reached,
taken at once when an evaluation begins; within a comprehension, again for each element. Work that grows with the
size of a value is charged where it is done. A simple expression is thus not slowed down at all.
"""

from collections.abc import Callable
from datetime import datetime
from typing import TypeAlias

from apps.expressions.errors import CostExceeded
from apps.expressions.values import Value

DEFAULT_BUDGET = 500_000
"""Some 0.1 seconds, whatever the work is; an everyday condition costs about 10."""

CHARACTERS_PER_UNIT = 16
"""Text that is copied, searched or converted."""

COMPARED_PER_UNIT = 512
"""Characters that are only compared; shorter text is compared for nothing."""

ELEMENTS_PER_UNIT = 4
"""Elements of a list that are copied."""

ARITHMETIC = 2
"""Of an operator that makes a new value, besides its node."""

NEW_LIST = 2
NEW_MAP = 3
NEW_ENTRY = 1
"""Of what is built, besides its nodes: the memory more than the time."""

CALL = 4
"""Of a function, besides its node and what it charges itself."""

NUMBER_TEXT = 15
TIME_TEXT = 80
DURATION_CHARACTER = 9
"""Numbers, times and durations that are read from text or from one another, or written as text."""

ABSORBED = 20
"""An error that `&&`, `||` or a comprehension goes past."""


class Allowance:
    """Units that the evaluations of one transaction share, whatever their number. Not for several threads at once."""

    __slots__ = ("left",)

    def __init__(self, units: int) -> None:
        self.left = units


class Frame:
    """One evaluation: what is left of its budget, the time that it is given, the values of its variables."""

    __slots__ = ("left", "now", "values")

    def __init__(self, left: int, now: datetime, values: list[Value]) -> None:
        self.left = left
        self.now = now
        self.values = values

    def charge(self, units: int) -> None:
        self.left -= units
        if self.left < 0:
            raise CostExceeded


Compiled: TypeAlias = Callable[[Frame], Value]
"""A node of the syntax tree as a closure."""
