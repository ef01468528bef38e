"""The syntax tree. Each node knows where in the text it stands."""

from collections.abc import Iterator
from dataclasses import dataclass

from apps.expressions.values import Value


@dataclass(frozen=True, slots=True)
class Node:
    start: int
    end: int

    def children(self) -> tuple["Node", ...]:
        return ()


@dataclass(frozen=True, slots=True)
class Literal(Node):
    value: Value


@dataclass(frozen=True, slots=True)
class Name(Node):
    name: str
    rooted: bool = False
    """Written with a leading dot: never the variable of a comprehension."""


@dataclass(frozen=True, slots=True)
class Select(Node):
    operand: Node
    field: str

    def children(self) -> tuple[Node, ...]:
        return (self.operand,)


@dataclass(frozen=True, slots=True)
class Has(Node):
    select: Select

    def children(self) -> tuple[Node, ...]:
        return (self.select,)


@dataclass(frozen=True, slots=True)
class Index(Node):
    operand: Node
    key: Node

    def children(self) -> tuple[Node, ...]:
        return (self.operand, self.key)


@dataclass(frozen=True, slots=True)
class Call(Node):
    """A function; `method` if it is written behind its first argument."""

    function: str
    arguments: tuple[Node, ...]
    method: bool

    def children(self) -> tuple[Node, ...]:
        return self.arguments


@dataclass(frozen=True, slots=True)
class Unary(Node):
    sign: str
    operand: Node

    def children(self) -> tuple[Node, ...]:
        return (self.operand,)


@dataclass(frozen=True, slots=True)
class Binary(Node):
    sign: str
    left: Node
    right: Node

    def children(self) -> tuple[Node, ...]:
        return (self.left, self.right)


@dataclass(frozen=True, slots=True)
class Logic(Node):
    """A whole chain of `&&`, or of `||`."""

    sign: str
    operands: tuple[Node, ...]

    def children(self) -> tuple[Node, ...]:
        return self.operands


@dataclass(frozen=True, slots=True)
class Conditional(Node):
    condition: Node
    then: Node
    otherwise: Node

    def children(self) -> tuple[Node, ...]:
        return (self.condition, self.then, self.otherwise)


@dataclass(frozen=True, slots=True)
class ListOf(Node):
    items: tuple[Node, ...]

    def children(self) -> tuple[Node, ...]:
        return self.items


@dataclass(frozen=True, slots=True)
class MapOf(Node):
    entries: tuple[tuple[Node, Node], ...]

    def children(self) -> tuple[Node, ...]:
        return tuple(part for entry in self.entries for part in entry)


@dataclass(frozen=True, slots=True)
class Comprehension(Node):
    """`over.kind(variable, condition)`; `map` has a `transform`, and perhaps a condition before it."""

    kind: str
    over: Node
    variable: str
    condition: Node | None
    transform: Node | None

    def children(self) -> tuple[Node, ...]:
        return tuple(part for part in (self.over, self.condition, self.transform) if part is not None)


@dataclass(frozen=True, slots=True)
class Template(Node):
    """Text with expressions in it."""

    parts: tuple[str | Node, ...]

    def children(self) -> tuple[Node, ...]:
        return tuple(part for part in self.parts if isinstance(part, Node))


def walk(node: Node) -> Iterator[Node]:
    """The node and all below it, in no order; not recursive, so that no depth is too much."""
    pending = [node]
    while pending:
        inner = pending.pop()
        yield inner
        pending.extend(inner.children())


def too_deep(node: Node, limit: int) -> Node | None:
    """A node that stands more than `limit` levels below this one."""
    level: tuple[Node, ...] = (node,)
    for _ in range(limit):
        level = tuple(child for inner in level for child in inner.children())
        if not level:
            return None
    return level[0]
