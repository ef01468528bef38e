"""What an expression looks at, as far as its text says."""

from apps.expressions.compiling import path_of
from apps.expressions.expression import Expression
from apps.expressions.syntax import Name, Node


def fields_read(expression: Expression, name: str) -> frozenset[str] | None:
    """The fields of a variable that an expression reads; None if it looks at the variable in any other way, too."""
    fields: set[str] = set()
    pending: list[Node] = [expression.tree]
    while pending:
        node = pending.pop()
        path, base = path_of(node)
        if isinstance(base, Name) and base.name == name:
            if not path:
                return None
            fields.add(path[0])
        else:
            pending += node.children()
    return frozenset(fields)
