"""TypeScript from JSON Schema: an interface for each event, and for each of its `$defs` that is used."""

import json
import re
from collections.abc import Mapping
from typing import Any

from apps.cli.event_types.documents import Schema, followed, whole_event
from apps.cli.event_types.names import camel_case, free_name, type_names

_IDENTIFIER = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]*")
_ANY_OBJECT = "Record<string, unknown>"
_PLAIN = {"string": "string", "number": "number", "integer": "number", "boolean": "boolean", "null": "null"}
_IMPLIED = {
    "object": ("properties", "additionalProperties", "patternProperties", "required"),
    "array": ("items", "prefixItems"),
}
_MOST_MEMBERS = 100
"""Of a tuple."""


def typescript(events: Mapping[str, object], head: str) -> str:
    """A module: a type for each event, `Events` by name, and `EventTriggers`, any of them.

    `events` are schemas in JSON values by name, None where there is none. Raises Problem for a schema that cannot be
    followed.
    """
    names = type_names(events)
    taken = set(names.values())
    parts = [f"// {head}"]
    for event, schema in events.items():
        parts += _Document(event, names[event], whole_event(event, schema), taken).declarations()
    listed = "".join(f"  {json.dumps(event, ensure_ascii=False)}: {name};\n" for event, name in names.items())
    parts.append(f"export interface Events {{\n{listed}}}" if listed else "export type Events = Record<string, never>;")
    line = f"export type EventTriggers = {' | '.join(names.values()) or 'never'};"
    if len(line) > 80:
        line = "export type EventTriggers =" + "".join(f"\n  | {name}" for name in names.values()) + ";"
    parts.append(line)
    return "\n\n".join(parts) + "\n"


class _Document:
    """One event's schema."""

    def __init__(self, event: str, name: str, root: Schema, taken: set[str]) -> None:
        self._event = event
        self._root = root
        self._taken = taken
        self._names = {"#": name}
        """Of types, by reference."""

    def declarations(self) -> list[str]:
        done: list[str] = []
        while len(done) < len(self._names):  # each may name another
            ref, name = list(self._names.items())[len(done)]
            done.append(self._declaration(name, followed(self._root, ref, self._event)))
        return done

    def _declaration(self, name: str, schema: object) -> str:
        comment = _comment(schema, "")
        if isinstance(schema, dict) and schema.get("properties") and _is_plain_object(schema):
            return f"{comment}export interface {name} {self._fields(schema, '')}"
        return f"{comment}export type {name} = {self._type(schema, '')};"

    def _type(self, schema: object, indent: str) -> str:
        """The type's expression; what has several lines is indented, but for the first."""
        if not isinstance(schema, dict):
            return "never" if schema is False else "unknown"
        parts = [part for part in dict.fromkeys(self._parts(schema, indent)) if part != "unknown"]
        found = parts[0] if len(parts) == 1 else " & ".join(map(_in_union, parts)) or "unknown"
        return f"{_in_union(found)} | null" if schema.get("nullable") is True and found != "unknown" else found

    def _parts(self, schema: Schema, indent: str) -> list[str]:
        """All of them hold."""
        parts: list[str] = []
        if "$ref" in schema:
            parts.append(self._named(schema["$ref"]))
        if "const" in schema:
            parts.append(_literal(schema["const"]))
        elif isinstance(schema.get("enum"), list):
            parts.append(_union([_literal(value) for value in schema["enum"]]))
        elif kinds := _kinds(schema):
            parts.append(_union([self._of_kind(kind, schema, indent) for kind in kinds]))
        for keyword in ("anyOf", "oneOf"):
            if choices := _list(schema.get(keyword)):
                parts += [_union([self._type(one, indent) for one in choices])]
        parts += [self._type(one, indent) for one in _list(schema.get("allOf"))]
        return parts or ["unknown"]

    def _named(self, ref: str) -> str:
        if ref not in self._names:
            followed(self._root, ref, self._event)
            name = free_name(self._names["#"] + camel_case(ref.rsplit("/", 1)[-1]), self._taken)
            self._taken.add(name)
            self._names[ref] = name
        return self._names[ref]

    def _of_kind(self, kind: str, schema: Schema, indent: str) -> str:
        if kind == "object":
            return self._object(schema, indent)
        return self._array(schema, indent) if kind == "array" else _PLAIN.get(kind, "unknown")

    def _object(self, schema: Schema, indent: str) -> str:
        if schema.get("properties") or schema.get("required"):
            return self._fields(schema, indent)
        others = self._others(schema, indent)
        return _ANY_OBJECT if others is None else f"Record<string, {others}>"

    def _others(self, schema: Schema, indent: str) -> str | None:
        """The type of the fields that are not named; None where nothing is said about them."""
        patterns = schema.get("patternProperties")
        found = [self._type(one, indent) for one in patterns.values()] if isinstance(patterns, dict) else []
        if (more := schema.get("additionalProperties")) not in (None, False):
            found.append(self._type(more, indent))
        if found:
            return _union(found)
        return "never" if more is False else None

    def _fields(self, schema: Schema, indent: str) -> str:
        inner = indent + "  "
        required = _list(schema.get("required"))
        fields = {**_dict(schema.get("properties"))}
        fields |= {name: True for name in required if isinstance(name, str) and name not in fields}
        lines = []
        for name, one in fields.items():
            mark = "" if name in required else "?"
            lines.append(f"{_comment(one, inner)}{inner}{_key(name)}{mark}: {self._type(one, inner)};\n")
        if self._others(schema, indent) not in (None, "never"):
            # An index signature must hold for the named fields, too.
            lines.append(f"{inner}[key: string]: unknown;\n")
        return f"{{\n{''.join(lines)}{indent}}}"

    def _array(self, schema: Schema, indent: str) -> str:
        rest = schema.get("items", True)
        members = schema.get("prefixItems")
        if isinstance(rest, list):  # as it was written before 2020-12
            members, rest = rest, schema.get("additionalItems", True)
        if not isinstance(members, list) or not members or len(members) > _MOST_MEMBERS:
            return f"{_in_array(self._type(rest, indent))}[]"
        least = schema.get("minItems", 0)
        shown = []
        for place, one in enumerate(members):
            found = self._type(one, indent)
            shown.append(found if place < least else f"{_in_array(found)}?")
        if rest is not False:
            shown.append(f"...{_in_array(self._type(rest, indent))}[]")
        return f"[{', '.join(shown)}]"


def _is_plain_object(schema: Schema) -> bool:
    made_of = ("$ref", "const", "enum", "anyOf", "oneOf", "allOf")
    return _kinds(schema) == ["object"] and not any(key in schema for key in made_of) and not schema.get("nullable")


def _kinds(schema: Schema) -> list[str]:
    """What `type` says, or, where it says nothing, what the other keywords are about."""
    kind = schema.get("type")
    if isinstance(kind, str):
        return [kind]
    if isinstance(kind, list):
        return [str(one) for one in kind]
    return [kind for kind, keywords in _IMPLIED.items() if any(keyword in schema for keyword in keywords)][:1]


def _literal(value: object) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_literal, value))}]"
    if isinstance(value, dict):
        fields = "; ".join(f"{_key(name)}: {_literal(one)}" for name, one in value.items())
        return f"{{ {fields} }}" if fields else "Record<string, never>"
    return json.dumps(value, ensure_ascii=False)


def _union(types: list[str]) -> str:
    distinct = list(dict.fromkeys(types))
    if not distinct:
        return "never"
    return "unknown" if "unknown" in distinct else " | ".join(distinct)


def _in_union(found: str) -> str:
    """In brackets where `&` would take a part of it."""
    return f"({found})" if _outside(found, " | ") else found


def _in_array(found: str) -> str:
    return f"({found})" if _outside(found, " | ") or _outside(found, " & ") else found


def _outside(found: str, sign: str) -> bool:
    """Whether the sign stands in the expression outside of brackets and strings."""
    bare = re.sub(r'"(?:[^"\\]|\\.)*"', '""', re.sub(r"/\*.*?\*/", "", found, flags=re.DOTALL))
    depth = 0
    for place, character in enumerate(bare):
        depth += (character in "{[(<") - (character in "}])>")
        if depth == 0 and bare.startswith(sign, place):
            return True
    return False


def _key(name: str) -> str:
    return name if _IDENTIFIER.fullmatch(name) else json.dumps(name, ensure_ascii=False)


def _comment(schema: object, indent: str) -> str:
    text = schema.get("description") if isinstance(schema, dict) else None
    if not isinstance(text, str) or not text.strip():
        return ""
    lines = text.strip().replace("*/", "* /").splitlines()
    if len(lines) == 1:
        return f"{indent}/** {lines[0]} */\n"
    return f"{indent}/**\n" + "".join(f"{indent} * {line}".rstrip() + "\n" for line in lines) + f"{indent} */\n"


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
