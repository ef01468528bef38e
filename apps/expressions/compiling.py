"""From the syntax tree to closures, once; evaluating is then calling the outermost."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeAlias

from apps.expressions import comprehensions, functions, logic, maps, operators, rendering, selecting
from apps.expressions.cost import ARITHMETIC, CALL, COMPARED_PER_UNIT, NEW_ENTRY, NEW_LIST, NEW_MAP, Compiled
from apps.expressions.errors import ExpressionError, SourceFault
from apps.expressions.patterns import compile_pattern
from apps.expressions.suggestions import did_you_mean, shown
from apps.expressions.syntax import (
    Binary,
    Call,
    Comprehension,
    Conditional,
    Has,
    Index,
    ListOf,
    Literal,
    Logic,
    MapOf,
    Name,
    Node,
    Select,
    Template,
    Unary,
)
from apps.expressions.values import NAMED_TYPES

Scope: TypeAlias = Mapping[str, int]
"""The slots of the comprehensions' variables; they are counted from the end."""


class Program(NamedTuple):
    run: Compiled
    roots: tuple[str, ...]
    """The variables that it uses, in the order of their slots."""

    locals: int
    """How many slots its comprehensions need behind those."""

    cost: int
    """Of every node, once."""


def compile_tree(tree: Node, names: frozenset[str]) -> Program:
    """Raises SourceFault for a name or a function that is not there."""
    compiler = _Compiler(names)
    run = compiler.compile(tree, {})
    return Program(run, tuple(compiler.roots), compiler.locals, compiler.cost)


class _Compiler:
    def __init__(self, names: frozenset[str]) -> None:
        self.names = names
        self.roots: dict[str, int] = {}
        self.locals = 0
        self.depth = 0
        """Of comprehensions within one another."""
        self.cost = 0

    def compile(self, node: Node, scope: Scope) -> Compiled:
        self.cost += 1
        return _FORMS[type(node)](self, node, scope)

    def compile_all(self, nodes: tuple[Node, ...], scope: Scope) -> tuple[Compiled, ...]:
        return tuple(self.compile(node, scope) for node in nodes)

    def slot(self, node: Name, scope: Scope) -> int | None:
        if node.name in scope and not node.rooted:
            return scope[node.name]
        if node.name in self.names:
            return self.roots.setdefault(node.name, len(self.roots))
        return None

    def literal(self, node: Literal, scope: Scope) -> Compiled:
        return selecting.constant(node.value)

    def name(self, node: Name, scope: Scope) -> Compiled:
        slot = self.slot(node, scope)
        if slot is not None:
            return selecting.variable(slot)
        if node.name not in NAMED_TYPES:
            raise self.unknown(node, scope)
        return selecting.constant(NAMED_TYPES[node.name])

    def unknown(self, node: Name, scope: Scope) -> SourceFault:
        known = [*scope, *sorted(self.names)]
        hint = did_you_mean(node.name, known) or f" (there are: {', '.join(known) or 'none'})"
        return SourceFault(f"unknown name {shown(node.name)}{hint}", node.start)

    def select(self, node: Select, scope: Scope) -> Compiled:
        path, base = path_of(node)
        if isinstance(base, Name):
            slot = self.slot(base, scope)
            if slot is not None:
                self.cost += len(path)
                return selecting.attribute_of_variable(slot, path)
            dotted = ".".join((base.name, *path))
            if dotted in NAMED_TYPES:
                return selecting.constant(NAMED_TYPES[dotted])
        return selecting.attribute(self.compile(node.operand, scope), node.field)

    def has(self, node: Has, scope: Scope) -> Compiled:
        return selecting.has_attribute(self.compile(node.select.operand, scope), node.select.field)

    def index(self, node: Index, scope: Scope) -> Compiled:
        if isinstance(node.key, Literal) and isinstance(node.key.value, str):
            return selecting.attribute(self.compile(node.operand, scope), node.key.value)
        return selecting.element(self.compile(node.operand, scope), self.compile(node.key, scope))

    def call(self, node: Call, scope: Scope) -> Compiled:
        function = functions.FUNCTIONS.get(node.function)
        if function is None:
            hint = did_you_mean(node.function, functions.FUNCTIONS)
            raise SourceFault(f"unknown function {shown(node.function)}{hint}", node.start)
        if not (function.method if node.method else function.plain):
            other = f"x.{node.function}()" if function.method else f"{node.function}(x)"
            raise SourceFault(f"{node.function}() is written {other}", node.start)
        if len(node.arguments) not in function.arguments:
            wanted = " or ".join(str(count - node.method) for count in function.arguments)
            given = len(node.arguments) - node.method
            plural = "" if wanted == "1" else "s"
            raise SourceFault(f"{node.function}() takes {wanted} argument{plural}, not {given}", node.start)
        if node.function == "matches" and isinstance(pattern := node.arguments[1], Literal):
            _check_pattern(pattern)
        self.cost += CALL
        return functions.call(function.run, self.compile_all(node.arguments, scope))

    def unary(self, node: Unary, scope: Scope) -> Compiled:
        operand = self.compile(node.operand, scope)
        return logic.negation(operand) if node.sign == "!" else operators.minus(operand)

    def logic(self, node: Logic, scope: Scope) -> Compiled:
        return logic.chain(self.compile_all(node.operands, scope), deciding=node.sign == "||")

    def conditional(self, node: Conditional, scope: Scope) -> Compiled:
        return logic.choice(*self.compile_all((node.condition, node.then, node.otherwise), scope))

    def list_of(self, node: ListOf, scope: Scope) -> Compiled:
        self.cost += NEW_LIST
        return operators.list_of(self.compile_all(node.items, scope))

    def map_of(self, node: MapOf, scope: Scope) -> Compiled:
        self.cost += NEW_MAP + NEW_ENTRY * len(node.entries)
        return maps.map_of(tuple((self.compile(key, scope), self.compile(value, scope)) for key, value in node.entries))

    def template(self, node: Template, scope: Scope) -> Compiled:
        return rendering.joined(
            tuple(part if isinstance(part, str) else self.compile(part, scope) for part in node.parts)
        )

    def binary(self, node: Binary, scope: Scope) -> Compiled:
        left, right = self.compile(node.left, scope), self.compile(node.right, scope)
        match node:
            case Binary(sign="==" | "!=" as sign, right=Literal(value=str(text))) if len(text) <= COMPARED_PER_UNIT:
                return operators.equality_with_text(left, text, wanted=sign == "==")
        self.cost += ARITHMETIC if node.sign in operators.ARITHMETIC else 0
        return operators.binary(node.sign, left, right)

    def comprehension(self, node: Comprehension, scope: Scope) -> Compiled:
        over = self.compile(node.over, scope)
        self.depth += 1
        self.locals = max(self.locals, self.depth)
        slot = -self.depth
        inner = {**scope, node.variable: slot}
        cost_outside, self.cost = self.cost, 1
        condition = None if node.condition is None else self.compile(node.condition, inner)
        transform = None if node.transform is None else self.compile(node.transform, inner)
        cost_inside, self.cost = self.cost, cost_outside
        self.depth -= 1
        loop: comprehensions.Loop
        if condition is None or node.kind in ("map", "filter"):
            loop = comprehensions.selection(slot, cost_inside, condition, transform)
        elif node.kind == "exists_one":
            loop = comprehensions.exists_one(slot, cost_inside, condition)
        else:
            loop = comprehensions.quantifier(slot, cost_inside, condition, deciding=node.kind == "exists")
        return comprehensions.comprehension(over, loop, node.kind)


_FORMS: dict[type[Node], Callable[[_Compiler, Any, Scope], Compiled]] = {
    Literal: _Compiler.literal,
    Name: _Compiler.name,
    Select: _Compiler.select,
    Has: _Compiler.has,
    Index: _Compiler.index,
    Call: _Compiler.call,
    Unary: _Compiler.unary,
    Binary: _Compiler.binary,
    Logic: _Compiler.logic,
    Conditional: _Compiler.conditional,
    ListOf: _Compiler.list_of,
    MapOf: _Compiler.map_of,
    Comprehension: _Compiler.comprehension,
    Template: _Compiler.template,
}


def path_of(node: Node) -> tuple[tuple[str, ...], Node]:
    """`a.b["c"]` as the path (b, c) and what it starts from."""
    fields: list[str] = []
    while True:
        match node:
            case Select(operand=operand, field=field) | Index(operand=operand, key=Literal(value=str(field))):
                fields.append(field)
                node = operand
            case _:
                return tuple(reversed(fields)), node


def _check_pattern(pattern: Literal) -> None:
    if isinstance(pattern.value, str):
        try:
            compile_pattern(pattern.value)
        except ExpressionError as fault:
            raise SourceFault(str(fault), pattern.start) from None
