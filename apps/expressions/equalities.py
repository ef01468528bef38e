"""The parts of a condition that say what a value must be, for an index of who waits for which value."""

from typing import NamedTuple

from apps.expressions.compiling import path_of
from apps.expressions.expression import Expression
from apps.expressions.functions import READ_THE_TIME
from apps.expressions.syntax import Binary, Call, Logic, Name, Node, walk


class Equality(NamedTuple):
    path: tuple[str, ...]
    """Of the attribute, from the variable down."""

    value: Expression
    """What it must equal; does not use that variable."""


def equalities(expression: Expression, of: str) -> tuple[Equality, ...]:
    """The equalities that must hold if the whole condition does: `of.a.b == X` for X that neither uses `of` nor
    reads the time. By path, one each; what else the condition says is for evaluating it."""
    tree = expression.tree
    conjuncts = tree.operands if isinstance(tree, Logic) and tree.sign == "&&" else (tree,)
    found: dict[tuple[str, ...], Equality] = {}
    for conjunct in conjuncts:
        if isinstance(conjunct, Binary) and conjunct.sign == "==":
            for side, other in ((conjunct.left, conjunct.right), (conjunct.right, conjunct.left)):
                path = _path(side, of)
                if path and path not in found and _is_settled(other, of):
                    found[path] = Equality(path, _part(expression, other))
                    break
    return tuple(found[path] for path in sorted(found))


def _path(node: Node, of: str) -> tuple[str, ...]:
    path, base = path_of(node)
    return path if isinstance(base, Name) and base.name == of else ()


def _is_settled(node: Node, of: str) -> bool:
    return not any(
        (isinstance(inner, Name) and inner.name == of) or (isinstance(inner, Call) and inner.function in READ_THE_TIME)
        for inner in walk(node)
    )


def _part(expression: Expression, node: Node) -> Expression:
    return Expression(expression.text[node.start : node.end], node, expression.names)
