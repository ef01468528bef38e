"""Whether a JSON schema is one: held to the meta-schema of its draft, its patterns and references looked at."""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, NamedTuple

from apps.datastore.definition.faults import shown

MAX_DEPTH = 64
"""Arrays and objects within each other. The checker walks them on the machine's stack, which a hostile one overruns."""
MAX_MESSAGE = 300
_DRAFTS = {
    "http://json-schema.org/draft-04/schema": "Draft4Validator",
    "http://json-schema.org/draft-06/schema": "Draft6Validator",
    "http://json-schema.org/draft-07/schema": "Draft7Validator",
    "https://json-schema.org/draft/2019-09/schema": "Draft201909Validator",
    "https://json-schema.org/draft/2020-12/schema": "Draft202012Validator",
}
_NEWEST = "https://json-schema.org/draft/2020-12/schema"
_DATA = ("const", "enum", "default", "examples")
"""Keywords whose values are data: what looks like a reference there is none."""
_TYPES = "array, boolean, integer, null, number, object or string"


class SchemaFault(NamedTuple):
    keys: tuple[str | int, ...]
    """The place, from the schema's root."""
    message: str


def schema_faults(schema: dict[str, object]) -> Iterator[SchemaFault]:
    """What is wrong with the schema, in the order of its text. Nothing is fetched, whatever it refers to. The schema
    is what JSON can hold, in UTF-8."""
    if _depth(schema) > MAX_DEPTH:
        yield SchemaFault((), f"is nested deeper than {MAX_DEPTH} levels")
        return
    draft = schema.get("$schema", _NEWEST)
    if not isinstance(draft, str) or draft.removesuffix("#") not in _DRAFTS:
        known = "draft-04, -06, -07, 2019-09 or 2020-12"
        yield SchemaFault(("$schema",), f"is not the address of a draft that is known here: {known} of json-schema.org")
        return
    errors = list(_meta(draft.removesuffix("#")).iter_errors(schema))
    for error in sorted(errors, key=lambda error: _order(error.instance_path, schema)):
        yield SchemaFault(tuple(error.instance_path), _words(error, schema))
    if not errors:
        yield from _compiled(schema)


def _compiled(schema: dict[str, object]) -> Iterator[SchemaFault]:
    """The first fault that only building a validator shows."""
    import jsonschema_rs

    outside = [place for place in _references(schema) if not place.target.startswith("#")]
    try:
        jsonschema_rs.validator_for(schema, offline=True)
    except jsonschema_rs.ValidationError as error:
        if error.instance_path:
            yield SchemaFault(tuple(error.instance_path), _words(error, schema))
        elif outside:
            for place in outside:
                yield SchemaFault(
                    place.keys, f"refers to {shown(place.target)}; only references within it (#…) are followed"
                )
        else:
            broken = [place for place in _references(schema) if _names(place.target, error.message)]
            keys = broken[0].keys if broken else ()
            yield SchemaFault(keys, error.message[:MAX_MESSAGE])
    except ValueError as fault:
        yield SchemaFault((), f"is not a JSON schema: {str(fault)[:MAX_MESSAGE]}")


class _Reference(NamedTuple):
    keys: tuple[str | int, ...]
    target: str


def _references(value: object, keys: tuple[str | int, ...] = ()) -> Iterator[_Reference]:
    if isinstance(value, Mapping):
        for key, entry in value.items():
            if key in ("$ref", "$dynamicRef", "$recursiveRef") and isinstance(entry, str):
                yield _Reference((*keys, key), entry)
            elif key not in _DATA:
                yield from _references(entry, (*keys, key))
    elif isinstance(value, list):
        for index, entry in enumerate(value):
            yield from _references(entry, (*keys, index))


def _names(target: str, message: str) -> bool:
    """Whether the checker's message is about the target of this reference: it quotes the part after the #."""
    return f"'{target.removeprefix('#')}'" in message


def _words(error: Any, schema: object) -> str:
    """What the checker found, in words of ours where its own name the meta-schema's insides."""
    keys = error.instance_path
    value = schema
    for key in keys:
        value = value[key] if isinstance(value, dict | list) else None
    if keys and keys[-1] == "type" and error.kind.name == "anyOf":
        return f"must be one of {_TYPES}, or an array of them, not {shown(str(value))}"
    if error.kind.name in ("pattern", "format") and isinstance(value, str) and '"regex"' in error.message:
        return f"is not a regular expression: {shown(value)}"
    message: str = error.message
    return message if len(message) <= MAX_MESSAGE else message[:MAX_MESSAGE] + "…"


def _order(keys: list[str | int], value: Any) -> tuple[int, ...]:
    """Sorts places as the text has them."""
    found = []
    for key in keys:
        found.append(key if isinstance(key, int) else list(value).index(key))
        value = value[key]
    return tuple(found)


def _depth(value: object) -> int:
    deepest, todo = 0, [(value, 1)]
    while todo:
        inner, depth = todo.pop()
        if isinstance(inner, dict | list):
            deepest = max(deepest, depth)
            if deepest > MAX_DEPTH:
                break
            todo.extend((entry, depth + 1) for entry in (inner.values() if isinstance(inner, dict) else inner))
    return deepest


@cache
def _meta(draft: str) -> Any:
    """The validator of schemas of a draft. Its meta-schemas come with the package."""
    import jsonschema_rs

    return getattr(jsonschema_rs, _DRAFTS[draft])({"$ref": draft}, offline=True)
