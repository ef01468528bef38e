"""From text to the syntax tree, by the grammar of the CEL specification.

Written by hand: a general parser with a grammar file takes 0.3 seconds of each process's start, and says less well
what is wrong. Only brackets and `?:` recurse, and they are counted.
"""

from dataclasses import replace

from apps.expressions.errors import SourceFault
from apps.expressions.literals import read_number, read_text
from apps.expressions.macros import expand_function, expand_method
from apps.expressions.suggestions import shown
from apps.expressions.syntax import (
    Binary,
    Call,
    Conditional,
    Index,
    ListOf,
    Literal,
    Logic,
    MapOf,
    Name,
    Node,
    Select,
    Unary,
    too_deep,
)
from apps.expressions.tokens import Token, tokenize

MAX_LENGTH = 10_000
"""Characters of an expression."""

MAX_DEPTH = 100
"""How many operators, brackets and calls may stand within one another. A chain of `&&` or of `||` is one."""

_STRENGTH = {"||": 1, "&&": 2, "*": 5, "/": 5, "%": 5, "+": 4, "-": 4}
_STRENGTH |= dict.fromkeys(("==", "!=", "<", "<=", ">", ">=", "in"), 3)
_CONSTANTS = {"true": True, "false": False, "null": None}
RESERVED = frozenset(
    {"as", "break", "const", "continue", "else", "false", "for", "function", "if", "import", "in", "let", "loop"}
    | {"package", "namespace", "null", "return", "true", "var", "void", "while"}
)
_WORDS = {"and": "&&", "or": "||", "not": "!", "is": "=="}


def parse(text: str, start: int = 0, in_braces: bool = False) -> tuple[Node, int]:
    """The tree, and where the expression ends. Raises SourceFault. See `tokenize` for the arguments."""
    parser = _Parser(tokenize(text, start, in_braces))
    tree = parser.expression()
    if parser.token.kind != "end":
        raise parser.unexpected()
    if deep := too_deep(tree, MAX_DEPTH):
        raise SourceFault(f"nested more than {MAX_DEPTH} levels deep", deep.start)
    return tree, parser.token.start


class _Parser:
    def __init__(self, tokens: list[Token]) -> None:
        self.tokens = tokens
        self.position = 0
        self.token = tokens[0]
        self.depth = 0

    def expression(self) -> Node:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise SourceFault(f"nested more than {MAX_DEPTH} levels deep", self.token.start)
        tree = self.operators()
        if self.take("?"):
            then = self.operators()
            self.require(":")
            otherwise = self.expression()
            tree = Conditional(tree.start, otherwise.end, tree, then, otherwise)
        self.depth -= 1
        return tree

    def operators(self) -> Node:
        operands, signs = [self.unary()], list[str]()
        while (sign := self.token.text) in _STRENGTH and self.token.kind in ("sign", "name"):
            while signs and _STRENGTH[signs[-1]] >= _STRENGTH[sign]:
                _reduce(operands, signs)
            signs.append(sign)
            self.advance()
            operands.append(self.unary())
        while signs:
            _reduce(operands, signs)
        return operands[0]

    def unary(self) -> Node:
        signs: list[Token] = []
        while self.token.kind == "sign" and self.token.text in "!-":
            signs.append(self.advance())
        tree = self.member(signs)
        for sign in reversed(signs):
            tree = Unary(sign.start, tree.end, sign.text, tree)
        return tree

    def member(self, signs: list[Token]) -> Node:
        tree = self.primary(signs)
        while self.token.kind == "sign":
            if self.take("."):
                tree = self.after_dot(tree)
            elif self.take("["):
                key = self.expression()
                tree = Index(tree.start, self.require("]").end, tree, key)
            elif self.token.text == "{" and isinstance(tree, Name | Select):
                raise SourceFault("messages are not supported; a map has its keys in quotes", self.token.start)
            else:
                break
        return tree

    def after_dot(self, target: Node) -> Node:
        # After a dot any name will do, also a reserved one: data has fields called `package` and `in`.
        name = self.advance()
        if name.kind == "quoted":
            return Select(target.start, name.end, target, name.text[1:-1])
        if name.kind != "name":
            raise self.unexpected(name)
        if not self.take("("):
            return Select(target.start, name.end, target, name.text)
        arguments = self.until(")")
        end = self.last_end()
        macro = expand_method(target, name.text, arguments, name.start, end)
        return macro or Call(name.start, end, name.text, (target, *arguments), method=True)

    def primary(self, signs: list[Token]) -> Node:
        token = self.advance()
        match token.kind, token.text:
            case "number", written:
                return self.number(token, written, signs)
            case "text", written:
                return Literal(token.start, token.end, read_text(written, token.start))
            case "name", word if word in _CONSTANTS:
                return Literal(token.start, token.end, _CONSTANTS[word])
            case "name", word if word not in RESERVED:
                return self.name(token, rooted=False)
            case "name", word:
                raise SourceFault(f'"{word}" is a reserved word', token.start)
            case "sign", "." if self.token.kind == "name" and self.token.text not in RESERVED:
                return self.name(self.advance(), rooted=True)
            case "sign", "(":
                tree = self.expression()
                return replace(tree, start=token.start, end=self.require(")").end)
            case "sign", "[":
                items = self.until("]")
                return ListOf(token.start, self.last_end(), items)
            case "sign", "{":
                entries = self.entries()
                return MapOf(token.start, self.last_end(), entries)
            case _:
                raise self.unexpected(token)

    def number(self, token: Token, written: str, signs: list[Token]) -> Node:
        # The sign belongs to the number: without it the least one of 64 bits could not be written.
        minus = signs.pop() if signs and signs[-1].text == "-" and written[-1] not in "uU" else None
        start = minus.start if minus else token.start
        return Literal(start, token.end, read_number(written, minus is not None, token.start))

    def name(self, token: Token, rooted: bool) -> Node:
        if not self.take("("):
            return Name(token.start, token.end, token.text, rooted)
        arguments = self.until(")")
        end = self.last_end()
        macro = None if rooted else expand_function(token.text, arguments, token.start, end)
        return macro or Call(token.start, end, token.text, arguments, method=False)

    def until(self, closing: str) -> tuple[Node, ...]:
        items: list[Node] = []
        while not self.take(closing):
            items.append(self.expression())
            if not self.take(","):
                self.require(closing)
                break
            if closing == ")" and self.token.text == ")":
                raise self.unexpected()
        return tuple(items)

    def entries(self) -> tuple[tuple[Node, Node], ...]:
        entries: list[tuple[Node, Node]] = []
        while not self.take("}"):
            key = self.expression()
            self.require(":")
            entries.append((key, self.expression()))
            if not self.take(","):
                self.require("}")
                break
        return tuple(entries)

    def advance(self) -> Token:
        token = self.token
        if token.kind != "end":
            self.position += 1
            self.token = self.tokens[self.position]
        return token

    def take(self, sign: str) -> bool:
        if self.token.text != sign or self.token.kind != "sign":
            return False
        self.advance()
        return True

    def require(self, sign: str) -> Token:
        token = self.token
        if not self.take(sign):
            if token.kind == "end":
                raise SourceFault(f'"{sign}" is missing', token.start)
            raise self.unexpected()
        return token

    def last_end(self) -> int:
        return self.tokens[self.position - 1].end

    def unexpected(self, token: Token | None = None) -> SourceFault:
        token = token or self.token
        if token.kind == "end":
            return SourceFault("the expression is empty" if len(self.tokens) == 1 else "ends too soon", token.start)
        hint = f' (did you mean "{_WORDS[token.text]}"?)' if token.text in _WORDS else ""
        return SourceFault(f"unexpected {shown(token.text)}{hint}", token.start)


def _reduce(operands: list[Node], signs: list[str]) -> None:
    sign, right, left = signs.pop(), operands.pop(), operands.pop()
    if _STRENGTH[sign] > 2:
        operands.append(Binary(left.start, right.end, sign, left, right))
        return
    chain = (*left.operands, right) if isinstance(left, Logic) and left.sign == sign else (left, right)
    operands.append(Logic(left.start, right.end, sign, chain))
