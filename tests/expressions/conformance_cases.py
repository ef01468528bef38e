"""The specification's cases, read; and which of them are known not to pass."""

import json
from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from apps.expressions import UInt, Value
from apps.expressions.times import read_duration
from apps.expressions.values import NAMED_TYPES

FOLDER = Path(__file__).parent / "conformance"


class Case(NamedTuple):
    id: str
    expression: str
    bindings: dict[str, Value]
    fails: bool
    value: Value


class Unsupported(NamedTuple):
    """A protobuf message: equal to nothing."""

    message: str


def read_cases() -> Iterator[Case]:
    for file in sorted(FOLDER.glob("*.json")):
        for one in json.loads(file.read_text()):
            yield Case(
                id=f"{file.stem}/{one['section']}/{one['name']}",
                expression=one["expr"],
                bindings={name: _value(bound["value"]) for name, bound in one.get("bindings", {}).items()},
                fails="error" in one,
                value=_value(one.get("value", {"boolValue": True})),
            )


def read_deviations() -> dict[str, str]:
    """The reason by the case's id."""
    lines = (FOLDER / "deviations.tsv").read_text().splitlines()
    return dict(line.split("\t") for line in lines)


def _value(written: dict[str, Any]) -> Value:
    ((form, content),) = written.items()
    match form:
        case "int64Value":
            return int(content)
        case "uint64Value":
            return UInt(content)
        case "doubleValue":
            return float(content)
        case "bytesValue":
            return b64decode(content)
        case "listValue":
            return [_value(one) for one in content.get("values", [])]
        case "mapValue":
            return {_value(entry["key"]): _value(entry["value"]) for entry in content.get("entries", [])}
        case "typeValue":
            return NAMED_TYPES[content]
        case "nullValue":
            return None
        case "objectValue":
            return _message(content)
        case _:
            return content


def _message(content: dict[str, Any]) -> Value:
    if content["@type"].endswith("/google.protobuf.Duration"):
        return read_duration(content["value"])
    return Unsupported(content["@type"])


def is_same(one: Value, other: Value) -> bool:
    """Of one type and equal, which `==` does not ask for; a NaN is itself."""
    if type(one) is not type(other):
        return False
    if isinstance(one, list):
        return len(one) == len(other) and all(map(is_same, one, other))
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(is_same(value, other[key]) for key, value in one.items())
    return bool(one == other) or (one != one and other != other)  # noqa: PLR0124
