"""A trigger's `definition`: the JSON schema of its event."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from apps.datastore.definition import InvalidDefinition, check_files, event_schemas, from_json, parse, to_json
from tests.datastore.definition.documents_of_tests import document, faults_of

SCHEMA = {"type": "object", "properties": {"data": {"type": "object", "properties": {"plan": {"enum": ["pro", "é"]}}}}}


def with_schema(schema: object, **more: object) -> dict[str, Any]:
    definition = {"format": "json-schema", "synced": True, "def": schema, **more}
    return document(triggers=[{"event": "a", "definition": definition}])


def files(schema: object) -> dict[str, bytes]:
    return {"index.ts": b"", "events/a.json": schema if isinstance(schema, bytes) else json.dumps(schema).encode()}


def located(found: Mapping[str, Any], content: bytes) -> list[str]:
    """The faults as a person reads them."""
    text = json.dumps(found).encode()
    with pytest.raises(InvalidDefinition) as caught:
        check_files({"inngest.json": text, "index.ts": b"export const run = () => 1", "events/a.json": content})
    return [str(fault) for fault in caught.value.faults]


@pytest.mark.parametrize("schema", [SCHEMA, "file://./events/a.json", "file://./events/../events/a.json"])
def test_a_schema_is_kept_with_its_event_whether_it_is_a_file_or_stands_inline(schema: object) -> None:
    found = parse(with_schema(schema), files(SCHEMA))
    assert {event: json.loads(text) for event, text in event_schemas(found).items()} == {"a": SCHEMA}
    assert from_json(to_json(found)) == found


def test_an_event_without_a_schema_has_none() -> None:
    assert event_schemas(parse(document(), files(SCHEMA))) == {}


def test_two_triggers_of_an_event_may_share_its_schema_and_may_not_have_two() -> None:
    trigger = {"event": "a", "definition": {"def": "file://./events/a.json"}}
    same = [{**trigger, "expression": "event.data.x"}, {**trigger, "expression": "event.data.y"}, {"event": "b"}]
    assert list(event_schemas(parse(document(triggers=same), files(SCHEMA)))) == ["a"]
    other = [same[0], {"event": "a", "expression": "event.data.y", "definition": {"def": {"type": "object"}}}]
    problem = 'is another schema of "a" than $.triggers[0] has'
    assert faults_of(document(triggers=other), files(SCHEMA)) == {"$.triggers[1].definition": problem}


@pytest.mark.parametrize(
    ("change", "path", "says"),
    [
        ({"format": "xml"}, ".format", "must be one of"),
        ({"format": "cue"}, "", "cue def"),
        ({"synced": "yes"}, ".synced", "must be true or false"),
        ({"def": 5}, ".def", "must be a schema (an object), or a file"),
        ({"def": True}, ".def", "must be a schema (an object), or a file"),
        ({"def": "events/a.json"}, ".def", "file://./events/x.json"),
        ({"def": "https://example.com/a.json"}, ".def", "file://./events/x.json"),
        ({"def": "file://./events/b.json"}, ".def", 'there is no "events/b.json"'),
        ({"def": "file://./../a.json"}, ".def", "must be inside"),
        ({"url": "x"}, ".url", "unknown field"),
    ],
)
def test_a_wrong_definition_is_refused(change: dict[str, object], path: str, says: str) -> None:
    found = faults_of(_changed(change), files(SCHEMA))
    assert says in found[f"$.triggers[0].definition{path}"]


def _changed(change: dict[str, object]) -> dict[str, Any]:
    return document(triggers=[{"event": "a", "definition": {"format": "json-schema", "def": SCHEMA, **change}}])


def test_a_definition_without_a_schema_is_refused() -> None:
    found = faults_of(document(triggers=[{"event": "a", "definition": {"format": "json-schema"}}]))
    assert found == {"$.triggers[0].definition.def": "is missing"}


@pytest.mark.parametrize(
    ("schema", "place", "says"),
    [
        ({"type": "objekt"}, ".type", "must be one of array, boolean"),
        ({"properties": {"a": {"minimum": "x"}}}, ".properties.a.minimum", 'is not of type "number"'),
        ({"properties": {"a": {"pattern": "("}}}, ".properties.a.pattern", "is not a regular expression"),
        ({"required": "a"}, ".required", 'is not of type "array"'),
        ({"$schema": "https://example.com/draft"}, ".$schema", "is not the address of a draft"),
        ({"properties": {"a": {"$ref": "#/$defs/b"}}}, ".properties.a.$ref", "does not exist"),
        ({"items": {"$ref": "https://example.com/a.json"}}, ".items.$ref", "(#…) are followed"),
        ({"items": {"$ref": "other.json#/a"}}, ".items.$ref", "(#…) are followed"),
        ({"const": "\ud800"}, "", "broken Unicode"),
    ],
)
def test_every_fault_of_a_schema_has_its_place(schema: dict[str, object], place: str, says: str) -> None:
    assert says in faults_of(with_schema(schema))[f"$.triggers[0].definition.def{place}"]
    (fault,) = located(with_schema("file://./events/a.json"), json.dumps(schema).encode())
    assert fault.startswith(f"events/a.json:1: ${place}: ")
    assert says in fault


def test_a_file_s_faults_are_at_its_own_lines_all_at_once() -> None:
    content = b'{\n  "type": "objekt",\n  "properties": {\n    "a": {"minimum": "x"}\n  }\n}'
    faults = located(with_schema("file://./events/a.json"), content)
    assert [fault.split(": ")[:2] for fault in faults] == [
        ["events/a.json:2", "$.type"],
        ["events/a.json:4", "$.properties.a.minimum"],
    ]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"{", "events/a.json:1: column 2: "),
        (b'{"a": 1, "a": 2}', "events/a.json: $.a: is there twice"),
        (b"\xff", "events/a.json: is not text (UTF-8)"),
        (b"[]", "events/a.json: must be a JSON schema, an object, not an array"),
        (b" " * 65_537, "events/a.json: is larger than 64 KiB"),
        (b'{"not":' * 65 + b"{}" + b"}" * 65, "is nested deeper than 64 levels"),
        (b'{"not":' * 5_000 + b"{}" + b"}" * 5_000, "is nested too deeply"),
        (b'{"const": 1e400}', "numbers that JSON cannot hold"),
    ],
)
def test_a_file_that_is_no_schema_is_refused(content: bytes, says: str) -> None:
    faults = located(with_schema("file://./events/a.json"), content)
    assert any(says in fault for fault in faults), faults


def test_a_file_that_several_triggers_name_is_one_fault() -> None:
    triggers = [{"event": name, "definition": {"def": "file://./events/a.json"}} for name in "abc"]
    assert len(located(document(triggers=triggers), b'{"type": 1}')) == 1


def test_schemas_together_have_a_limit() -> None:
    large = {"description": "x" * 60_000}
    triggers = [{"event": str(n), "definition": {"def": "file://./events/a.json"}} for n in range(9)]
    found = faults_of(document(triggers=triggers), files(large))
    assert found == {"$.triggers[8].definition.def": "makes the function's schemas larger than 512 KiB"}


@pytest.mark.parametrize("draft", ["draft-04/schema#", "draft-06/schema", "draft-07/schema#"])
def test_older_drafts_are_held_to_their_own_rules(draft: str) -> None:
    schema = {"$schema": f"http://json-schema.org/{draft}", "minimum": 1, "exclusiveMinimum": True}
    if "04" in draft:
        assert event_schemas(parse(with_schema(schema), files(SCHEMA)))
    else:
        assert list(faults_of(with_schema(schema))) == ["$.triggers[0].definition.def.exclusiveMinimum"]


def test_data_in_a_schema_is_not_taken_for_a_reference() -> None:
    schema = {"examples": [{"$ref": "https://example.com"}], "properties": {"$ref": {"type": "string"}}}
    assert event_schemas(parse(with_schema(schema), files(SCHEMA)))
