"""An event's schema as both generators read it: of the whole event, without what would lead out of the document."""

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import unquote

from apps.cli.printing import one_line
from apps.cli.problems import Problem

Schema = dict[str, Any]

SCHEDULED = "inngest/scheduled.timer"
_SCHEDULED_SCHEMA: Schema = {
    "description": "A cron has come; `ts` is the time that it says.",
    "type": "object",
    "properties": {
        "data": {"type": "object", "properties": {"cron": {"type": "string"}}, "required": ["cron"]},
    },
}
_MAPS = ("properties", "patternProperties", "$defs", "definitions", "dependentSchemas")
"""Keywords whose value holds schemas by names of the author's own."""
_VALUES = ("const", "enum")
"""Keywords whose value is data, whatever it looks like."""
_PASSED_OVER = (
    *("$schema", "$id", "$anchor", "$comment", "title", "default", "examples"),
    *("format", "contentEncoding", "contentMediaType"),
)
"""What makes no other type of a JSON value: a time is text all the same. Generators would make classes of it."""
_MAX_DEPTH = 100


def schema_of(event: str, given: object) -> object:
    """What is known of the event: the schema that was given, or what the server itself sends."""
    return _SCHEDULED_SCHEMA if given is None and event == SCHEDULED else given


def whole_event(event: str, given: object) -> Schema:
    """The schema of an event of this name; `given` is a schema in JSON values, None for an event that has none.

    Raises Problem if it refers to other documents, or is no schema.
    """
    schema = schema_of(event, given)
    if schema is None or schema is True:
        schema = {}
    if not isinstance(schema, dict):
        raise Problem(f"the schema of {one_line(event)} is not a JSON Schema", "it must be a JSON object")
    schema = relocated(schema, event, unquote)  # references are parts of URLs
    kept: Schema = {keyword: schema[keyword] for keyword in ("$defs", "definitions") if keyword in schema}
    return {**_object(event, schema, schema, 0), **kept}


def _object(event: str, schema: Schema, root: Schema, depth: int) -> Schema:
    """With the fields that every event has; what the schema is put together from is one object, or a choice of them."""
    if depth > _MAX_DEPTH:
        raise Problem(f"the schema of {one_line(event)} is nested too deeply")
    if "$ref" in schema:
        return _object(
            event, _merged(_rest(schema, "$ref"), _followed_object(event, schema["$ref"], root)), root, depth + 1
        )
    if isinstance(parts := schema.get("allOf"), list):
        found = _rest(schema, "allOf")
        for part in parts:
            one = part if isinstance(part, dict) else {}
            found = _merged(found, _followed_object(event, one["$ref"], root) if "$ref" in one else one)
        return _object(event, found, root, depth + 1)
    for keyword in ("anyOf", "oneOf"):
        if isinstance(choices := schema.get(keyword), list):
            rest = _rest(schema, keyword)
            plain = [one if isinstance(one, dict) else {} for one in choices]
            return {"anyOf": [_object(event, _merged(rest, one), root, depth + 1) for one in plain]}
    return _with_own_fields(event, schema)


def _with_own_fields(event: str, schema: Schema) -> Schema:
    given = schema.get("properties")
    given = given if isinstance(given, dict) else {}
    own: Schema = {"name": {"const": event}, "data": {"type": "object"}}
    late: Schema = {"user": {"type": "object"}, "id": {"type": "string"}, "ts": {"type": "integer"}}
    fields = {**own, **late, **given, "name": own["name"]}
    needed = {"name", "data", *_texts(schema.get("required"))}
    kept = {"description": schema["description"]} if "description" in schema else {}
    return {**kept, "type": "object", "properties": fields, "required": [name for name in fields if name in needed]}


def _merged(one: Schema, other: Schema) -> Schema:
    """Both hold. A field that both describe is what the second says."""
    fields = {**one.get("properties", {}), **other.get("properties", {})}
    required = [*_texts(one.get("required")), *_texts(other.get("required"))]
    return {**one, **other, "properties": fields, "required": required}


def _followed_object(event: str, ref: str, root: Schema) -> Schema:
    found = followed(root, ref, event)
    return _rest(found, "$defs", "definitions") if isinstance(found, dict) else {}


def _rest(schema: Schema, *without: str) -> Schema:
    return {key: value for key, value in schema.items() if key not in without}


def _texts(value: object) -> list[str]:
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []


def relocated(schema: Mapping[str, Any], event: str, move: Callable[[str], str], depth: int = 0) -> Schema:
    """The schema with its references moved, and without its names for itself and keywords of single tools."""
    if depth > _MAX_DEPTH:
        raise Problem(f"the schema of {one_line(event)} is nested too deeply")
    found: Schema = {}
    for key, value in schema.items():
        if key in _PASSED_OVER or key.startswith(("x-", "custom")):
            continue
        if key == "$ref":
            if not isinstance(value, str) or not (value == "#" or value.startswith("#/")):
                raise Problem(
                    f"the schema of {one_line(event)} refers to {one_line(str(value), 100)}, which is not followed",
                    "write what it refers to into its own $defs, and refer to it as #/$defs/NAME",
                )
            found[key] = move(value)
        elif key in _VALUES:
            found[key] = value
        elif key in _MAPS and isinstance(value, dict):
            found[key] = {name: _moved(one, event, move, depth) for name, one in value.items()}
        else:
            found[key] = _moved(value, event, move, depth)
    return found


def _moved(value: object, event: str, move: Callable[[str], str], depth: int) -> object:
    if isinstance(value, dict):
        return relocated(value, event, move, depth + 1)
    return [_moved(one, event, move, depth) for one in value] if isinstance(value, list) else value


def followed(root: Schema, ref: str, event: str) -> object:
    """What a reference within the document leads to. Raises Problem if it leads nowhere."""
    found: object = root
    for part in ref.removeprefix("#").split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        if isinstance(found, dict) and key in found:
            found = found[key]
        elif isinstance(found, list) and key.isdecimal() and int(key) < len(found):
            found = found[int(key)]
        else:
            raise Problem(f"the schema of {one_line(event)} refers to {one_line(ref, 100)}, which is not there")
    return found
