"""Keys: an expression, or text with expressions in it, as text."""

from datetime import datetime
from functools import lru_cache

from apps.expressions.cost import DEFAULT_BUDGET, Allowance
from apps.expressions.errors import SourceFault
from apps.expressions.expression import CACHED, Expression, located
from apps.expressions.parsing import MAX_LENGTH, parse
from apps.expressions.syntax import Node, Template
from apps.expressions.values import Variables

_OPENING, _CLOSING = "{{", "}}"


class Key:
    """Immutable, and safe to render in several threads at once. Made by `compile_key`."""

    __slots__ = ("_expression", "names", "text")

    def __init__(self, expression: Expression) -> None:
        self._expression = expression
        self.text = expression.text
        self.names = expression.names
        """The variables that it uses."""

    def render(
        self, variables: Variables, now: datetime, budget: int = DEFAULT_BUDGET, allowance: Allowance | None = None
    ) -> str:
        """Text as it is, null as nothing, whole numbers without a fraction, lists and maps as compact JSON with their
        keys in order. The budget is for all of the key. Raises ExpressionError, and nothing else.

        The text may have what Postgres refuses, if the event has: NUL and halves of surrogate pairs.
        """
        text = self._expression.evaluate(variables, now, budget, allowance)
        assert isinstance(text, str)
        return text

    def __repr__(self) -> str:
        return f"Key({self.text!r})"


@lru_cache(maxsize=CACHED)
def compile_key(text: str, names: frozenset[str]) -> Key:
    """A key that may use the variables `names`: text with holes, `{{ event.data.id }}`, or with no `{{` in it one
    expression. Raises InvalidExpression."""
    return Key(located(text, lambda: Expression(text, _template(text), names)))


def _template(text: str) -> Template:
    if len(text) > MAX_LENGTH:
        raise SourceFault(f"has {len(text)} characters; the limit is {MAX_LENGTH}", MAX_LENGTH)
    if _OPENING not in text:
        return Template(0, len(text), (parse(text)[0],))
    parts: list[str | Node] = []
    position = 0
    while (opening := text.find(_OPENING, position)) >= 0:
        parts.append(text[position:opening])
        tree, end = parse(text, opening + len(_OPENING), in_braces=True)
        if not text.startswith(_CLOSING, end):
            raise SourceFault(f'"{_CLOSING}" is missing', end)
        parts.append(tree)
        position = end + len(_CLOSING)
    parts.append(text[position:])
    return Template(0, len(text), tuple(part for part in parts if part))
