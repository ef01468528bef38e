"""Events made up from JSON schemas: right by the schema, the same by the same seed."""

import json
from typing import Any

import jsonschema_rs
import pytest

from apps.cli.generating import generate_event
from apps.cli.problems import Problem

ITEM = {
    "type": "object",
    "required": ["sku", "quantity"],
    "properties": {
        "sku": {"type": "string", "pattern": "^[A-Z]{3}-[0-9]{4}$"},
        "quantity": {"type": "integer", "minimum": 1, "maximum": 9},
        "tags": {"type": "array", "items": {"type": "string", "maxLength": 8}, "uniqueItems": True, "maxItems": 3},
    },
}
ORDER = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "required": ["name", "data"],
    "properties": {
        "name": {"const": "shop/order.placed"},
        "data": {
            "type": "object",
            "required": ["id", "items", "paid_at", "ship_to"],
            "additionalProperties": False,
            "properties": {
                "id": {"type": "string", "format": "uuid"},
                "email": {"type": "string", "format": "email"},
                "paid_at": {"type": "string", "format": "date-time"},
                "items": {"type": "array", "minItems": 1, "maxItems": 3, "items": {"$ref": "#/$defs/item"}},
                "total": {"type": "number", "minimum": 0, "exclusiveMaximum": 1000},
                "ship_to": {"oneOf": [{"type": "null"}, {"$ref": "#/$defs/address"}]},
            },
        },
    },
    "$defs": {
        "item": ITEM,
        "address": {
            "type": "object",
            "required": ["zip"],
            "properties": {"zip": {"type": "string", "pattern": "^\\d{5}$"}},
        },
    },
}


def of_data(schema: dict[str, Any], **more: Any) -> str:
    return json.dumps({"type": "object", "required": ["data"], "properties": {"data": schema}, **more})


def test_an_event_is_right_by_its_schema_whatever_the_seed() -> None:
    validator = jsonschema_rs.validator_for(ORDER, validate_formats=True)
    events = [generate_event("shop/order.placed", json.dumps(ORDER), seed) for seed in range(20)]
    for event in events:
        validator.validate(event)
    assert len({json.dumps(event) for event in events}) == 20


def test_the_same_seed_makes_the_same_event() -> None:
    text = json.dumps(ORDER)
    assert generate_event("shop/order.placed", text, 7) == generate_event("shop/order.placed", text, 7)


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        pytest.param(
            {"allOf": [{"type": "object", "required": ["a"], "properties": {"a": {"minimum": 5, "type": "integer"}}}]},
            lambda data: data["a"] >= 5,
            id="allOf",
        ),
        pytest.param(
            {
                "type": "object",
                "required": ["kind"],
                "properties": {"kind": {"enum": ["a", "b"]}, "n": {"type": "integer"}},
                "if": {"properties": {"kind": {"const": "a"}}},
                "then": {"required": ["n"]},
            },
            lambda data: data["kind"] == "b" or "n" in data,
            id="if then",
        ),
        pytest.param(
            {"type": "object", "required": ["x"], "properties": {"x": {"anyOf": [{"const": 3}, {"type": "boolean"}]}}},
            lambda data: data["x"] in (3, True, False),
            id="anyOf",
        ),
    ],
)
def test_schemas_are_combined(schema: dict[str, Any], value: Any) -> None:
    for seed in range(5):
        assert value(generate_event("x/y", of_data(schema), seed)["data"])


def test_a_schema_that_contains_itself_comes_to_an_end() -> None:
    node = {
        "type": "object",
        "required": ["value"],
        "properties": {"value": {"type": "integer"}, "children": {"type": "array", "items": {"$ref": "#/$defs/node"}}},
    }
    schema = of_data({"$ref": "#/$defs/node"}, **{"$defs": {"node": node}})
    for seed in range(10):
        assert isinstance(generate_event("x/y", schema, seed)["data"]["value"], int)


def test_the_event_has_the_name_of_its_trigger_and_data() -> None:
    assert generate_event("x/y", '{"type": "object"}', 1) == {"name": "x/y", "data": {}}
    assert generate_event("x/y", "true", 1) == {"name": "x/y", "data": {}}


@pytest.mark.parametrize(
    ("schema", "why"),
    [
        ({"type": "object", "required": ["a"], "properties": {"a": {"const": 1, "type": "null"}}}, "contradict"),
        ({"$ref": "#/$defs/nowhere"}, "nowhere"),
    ],
)
def test_a_schema_that_nothing_fits_is_a_problem_that_says_why(schema: dict[str, Any], why: str) -> None:
    with pytest.raises(Problem) as problem:
        generate_event("x/y", of_data(schema), 1)
    assert why in problem.value.message
    assert "--event-file" in problem.value.next_step


def test_a_schema_runs_no_code() -> None:
    """jsf has words of its own that are run as Python."""
    schema = of_data(
        {"type": "object", "required": ["a"], "properties": {"a": {"type": "string", "$provider": "lambda: 'ran'"}}}
    )
    assert generate_event("x/y", schema, 1)["data"]["a"] != "ran"
