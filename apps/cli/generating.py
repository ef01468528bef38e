"""An event made up from its JSON schema: of the same seed always the same one, of another another.

jsf makes the values, jsonschema-rs sees to it that they are right, and simplifies what jsf does not know (decision 17).
"""

import random
import warnings
from collections.abc import Mapping
from typing import Any

import msgspec

from apps.cli.printing import one_line
from apps.cli.problems import Problem

TRIES = 60
_LEFT_OUT = (0.1, 0.5, 0.9)
"""How likely an optional field is missing: the later the try the more so, as a schema that contains itself only comes
to an end where something is left out."""
_SAFE = {"$ref", "$defs", "$schema", "$id", "$anchor"}
SEEDS = 100_000


def new_seed() -> int:
    """Short enough to be typed."""
    return random.SystemRandom().randrange(SEEDS)


def generate_event(name: str, schema: str, seed: int) -> dict[str, Any]:
    """An event `name` that the JSON schema (text) of whole events allows. Raises Problem if none is found."""
    import jsonschema_rs

    of_name = _of_name(name, _safe(msgspec.json.decode(schema)))
    try:
        validator = jsonschema_rs.validator_for(of_name, validate_formats=True)
        canonical = jsonschema_rs.canonicalize(of_name, validate_formats=True, offline=True)
    except ValueError as error:  # whatever jsonschema-rs raises is one
        raise _cannot(name, one_line(str(error), 300)) from None
    if str(canonical.satisfiability()) == "no":
        raise _cannot(name, "its parts contradict each other")
    simple = _safe(canonical.to_json_schema())
    for attempt in range(TRIES):
        made = _made_up(simple, f"{seed}/{attempt}", _LEFT_OUT[attempt * len(_LEFT_OUT) // TRIES])
        if isinstance(made, dict) and validator.is_valid(made):
            return {"name": name, "data": {}} | made | {"name": name}
    raise _cannot(name, f"{TRIES} that were tried did not fit")


def _of_name(name: str, schema: Any) -> Any:
    """The schema for events of this name alone; its references go on pointing into it."""
    if not isinstance(schema, dict):
        return {"type": "object"} if schema else schema
    return {**schema, "allOf": [*schema.get("allOf", ()), {"properties": {"name": {"const": name}}}]}


def _made_up(schema: Mapping[str, Any], seed: str, left_out: float) -> object:
    """What jsf makes of the schema, as JSON has it; None if it cannot."""
    from faker import Faker
    from jsf import JSF

    random.seed(seed)
    Faker.seed(seed)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            made = JSF(schema, allow_none_optionals=left_out).generate()
        return msgspec.json.decode(msgspec.json.encode(made))
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError, OverflowError):
        return None  # it knows no better way to say so


def _safe(schema: Any) -> Any:
    """Without the words that jsf adds to JSON schema: it would run what they say as Python."""
    if isinstance(schema, dict):
        return {key: _safe(value) for key, value in schema.items() if not key.startswith("$") or key in _SAFE}
    return [_safe(one) for one in schema] if isinstance(schema, list) else schema


def _cannot(name: str, why: str) -> Problem:
    return Problem(
        f"no event {one_line(name)} could be made up from its schema: {why}",
        "give one: inngest run --event-file FILE",
    )
