"""An expression, compiled once and evaluated many times."""

from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from typing import TypeVar

from apps.expressions.compiling import compile_tree
from apps.expressions.cost import DEFAULT_BUDGET, Allowance, Frame
from apps.expressions.errors import AllowanceSpent, CostExceeded, ExpressionError, InvalidExpression, SourceFault
from apps.expressions.logic import truth
from apps.expressions.parsing import MAX_LENGTH, parse
from apps.expressions.syntax import Node
from apps.expressions.values import Value, Variables

Made = TypeVar("Made")

CACHED = 4_096
"""Compiled expressions that a process keeps."""


class Expression:
    """Immutable, and safe to evaluate in several threads at once. Made by `compile_expression`."""

    __slots__ = ("_cost", "_locals", "_roots", "_run", "names", "text", "tree")

    def __init__(self, text: str, tree: Node, names: frozenset[str]) -> None:
        """Raises SourceFault for a name or a function that is not there. `names` are those that it may use."""
        program = compile_tree(tree, names)
        self.text = text
        self.tree = tree
        self.names = frozenset(program.roots)
        """The variables that it uses."""
        self._run = program.run
        self._roots = program.roots
        self._locals: list[Value] = [None] * program.locals
        self._cost = program.cost

    def evaluate(
        self, variables: Variables, now: datetime, budget: int = DEFAULT_BUDGET, allowance: Allowance | None = None
    ) -> Value:
        """The value; a variable that is not given is null. `now` is what now() gives, an aware datetime.

        Raises ExpressionError, and nothing else: also for work beyond the `budget` (see the module `cost`), and
        AllowanceSpent, which is one, where earlier evaluations have used up the `allowance`.
        """
        if allowance is not None and allowance.left <= 0:
            raise AllowanceSpent
        left = budget - self._cost
        if left < 0:
            raise CostExceeded
        frame = Frame(left, now, [*map(variables.get, self._roots), *self._locals])
        try:
            return self._run(frame)
        except RecursionError:
            raise ExpressionError("nested too deeply") from None
        finally:
            if allowance is not None:
                allowance.left -= budget - max(frame.left, 0)

    def test(
        self, variables: Variables, now: datetime, budget: int = DEFAULT_BUDGET, allowance: Allowance | None = None
    ) -> bool:
        """As a condition: null counts as false. Raises ExpressionError, also for what is neither true nor false."""
        return truth(self.evaluate(variables, now, budget, allowance))

    def __repr__(self) -> str:
        return f"Expression({self.text!r})"


@lru_cache(maxsize=CACHED)
def compile_expression(text: str, names: frozenset[str]) -> Expression:
    """The expression, which may use the variables `names`. Raises InvalidExpression."""
    return located(text, lambda: _compile(text, names))


def _compile(text: str, names: frozenset[str]) -> Expression:
    if len(text) > MAX_LENGTH:
        raise SourceFault(f"has {len(text)} characters; the limit is {MAX_LENGTH}", MAX_LENGTH)
    tree, _ = parse(text)
    return Expression(text, tree, names)


def located(text: str, read: Callable[[], Made]) -> Made:
    """What `read` gives; its faults become an InvalidExpression, with line and column in the text."""
    try:
        return read()
    except SourceFault as fault:
        raise fault.located_in(text) from None
    except RecursionError:
        raise InvalidExpression("nested too deeply", 1, 1) from None
