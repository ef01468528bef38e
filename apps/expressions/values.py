"""The values that expressions work on: Python's own, as decoded from JSON, and the few that CEL has besides."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, TypeAlias

from apps.expressions.errors import ExpressionError

Value: TypeAlias = Any
"""None, bool, int (64 bits), UInt, float, str, bytes, list, dict, aware datetime, timedelta or TypeName."""

Variables: TypeAlias = Mapping[str, Value]

MIN_INT, MAX_INT, MAX_UINT = -(2**63), 2**63 - 1, 2**64 - 1


class UInt(int):
    """What `1u` makes. Compares with other numbers as they do among themselves."""

    __slots__ = ()


class TypeName(str):
    """What `type(x)` gives: its name. Equal to type names only, never to text."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return type(other) is TypeName and str.__eq__(self, other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash(("type", str(self)))


TYPE_NAMES = {
    kind: TypeName(name)
    for kind, name in (
        (type(None), "null_type"),
        (bool, "bool"),
        (int, "int"),
        (UInt, "uint"),
        (float, "double"),
        (str, "string"),
        (bytes, "bytes"),
        (list, "list"),
        (dict, "map"),
        (datetime, "google.protobuf.Timestamp"),
        (timedelta, "google.protobuf.Duration"),
        (TypeName, "type"),
    )
}
NAMED_TYPES = {str(name): name for name in TYPE_NAMES.values()}

_SHORT = {"google.protobuf.Timestamp": "timestamp", "google.protobuf.Duration": "duration", "null_type": "null"}


def kind(value: Value) -> str:
    """The type's name, for a message."""
    name = str(TYPE_NAMES.get(type(value), type(value).__name__))
    return _SHORT.get(name, name)


def no_overload(what: str, *values: Value) -> ExpressionError:
    return ExpressionError(f"no such overload: {what}({', '.join(map(kind, values))})")


def no_operator(sign: str, left: Value, right: Value) -> ExpressionError:
    return ExpressionError(f"no such overload: {kind(left)} {sign} {kind(right)}")


def to_double(number: float) -> float:
    """Never raises: a whole number too large for a double is infinite, as in JSON."""
    try:
        return float(number)
    except OverflowError:
        return float("inf") if number > 0 else float("-inf")
