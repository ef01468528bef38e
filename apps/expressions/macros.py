"""The macros: what looks like a call but sees its arguments unevaluated."""

from apps.expressions.errors import SourceFault
from apps.expressions.syntax import Comprehension, Has, Name, Node, Select

MACROS = {"all": (2,), "exists": (2,), "exists_one": (2,), "filter": (2,), "map": (2, 3)}
"""Those that go through a list, and how many arguments they may have."""


def expand_function(name: str, arguments: tuple[Node, ...], start: int, end: int) -> Node | None:
    """The node for a macro, or None if this is a function like any other. Raises SourceFault."""
    if name != "has":
        return None
    if len(arguments) != 1 or not isinstance(arguments[0], Select):
        raise SourceFault("has() takes one attribute, as in has(event.data.id)", start)
    return Has(start, end, arguments[0])


def expand_method(target: Node, name: str, arguments: tuple[Node, ...], at: int, end: int) -> Node | None:
    """Like `expand_function`, for `target.name(…)`; `at` is where the name stands."""
    if name not in MACROS:
        return None
    if len(arguments) not in MACROS[name]:
        example = "what to make of it, as in map(x, x * 2)" if name == "map" else f"a condition, as in {name}(x, x > 1)"
        raise SourceFault(f"{name}() takes a name for the element and {example}", at)
    variable, *rest = arguments
    if not isinstance(variable, Name) or variable.rooted:
        raise SourceFault(f"the first argument of {name}() must be a name for the element", variable.start)
    transform = rest.pop() if name == "map" else None
    condition = rest[0] if rest else None
    return Comprehension(target.start, end, name, target, variable.name, condition, transform)
