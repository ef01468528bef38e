import json
import time
from contextlib import suppress

import pytest

from apps.datastore.definition import InvalidDefinition, parse, read_document


def fault_of(text: str, filename: str) -> tuple[str, int | None, str]:
    """Its path, line and message; the test fails if it has not the file."""
    with pytest.raises(InvalidDefinition) as caught:
        read_document(text, filename)
    (fault,) = caught.value.faults
    assert fault.file == filename
    return fault.path, fault.line, fault.message


YAML = """
id: post-signup   # a comment
name: "Post-signup"
triggers:
  - event: user/signed.up
steps:
  send:
    runtime: {type: http, url: "http://127.0.0.1:8290/notify"}
    retries: {attempts: 4}
    timeout: 30s
"""


def test_yaml_and_json_give_the_same_definition() -> None:
    steps: dict[str, dict[str, object]] = {
        "send": {"runtime": {"type": "http", "url": "http://127.0.0.1:8290/notify"}, "retries": {"attempts": 4}}
    }
    steps["send"]["timeout"] = "30s"
    found = {"id": "post-signup", "name": "Post-signup", "triggers": [{"event": "user/signed.up"}], "steps": steps}
    assert parse(read_document(YAML, "inngest.yaml"), {}) == parse(read_document(json.dumps(found), "inngest.json"), {})


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("on: 1", {"on": 1}),
        ("yes: no", {"yes": "no"}),
        ("at: 1:30", {"at": "1:30"}),
        ("day: 2026-01-01", {"day": "2026-01-01"}),
        ("1: 2", {"1": 2}),
        ("a: ~", {"a": None}),
        ("a:", {"a": None}),
        ("a: True", {"a": True}),
        ("a: 'true'", {"a": "true"}),
        ("a: -1.5e3", {"a": -1500.0}),
        ("a: 0x10", {"a": "0x10"}),
        ("a: |\n  x\n  y\n", {"a": "x\ny\n"}),
        ("[]", []),
        ("", None),
        ("\ufeffa: 1", {"a": 1}),
    ],
)
def test_yaml_is_read_without_its_surprises(text: str, value: object) -> None:
    assert read_document(text, "inngest.yaml") == value


@pytest.mark.parametrize(
    ("text", "path", "line", "message"),
    [
        ("a: [1 ]]", "", 1, "column 8: "),
        ("a: 1\nb: @x", "", 2, "column 4: "),
        ("a:\n\t- x", "", 2, "column 1: "),
        ("cron: * * * * *", "", 1, "needs quotes"),
        ("a: *b", "", 1, "anchors and aliases are not supported"),
        ("a: &b 1", "", 1, "column 4: anchors and aliases"),
        ("&a [*a]", "", 1, "anchors and aliases"),
        ("a: !!python/object:os.system x", "", 1, "tags are not supported"),
        ("\n\na: !x {}", "", 3, "tags are not supported"),
        ("a: 1\n---\nb: 1", "", 2, "one YAML document"),
        ("key: {{ event.data.id }}", "", 1, "a field's name must be text"),
        ("? [a]\n: 1", "", 1, "a field's name must be text"),
        ("a: 1\nb: 2\na: 3", "$.a", 3, "is there twice"),
        ("steps:\n  a: {id: a, id: b}", "$.steps.a.id", 2, "is there twice"),
        ("- {a: [1, {b: 1, b: 2}]}", "$[0].a[1].b", 1, "is there twice"),
        ("a: \x00", "", None, "characters that YAML does not allow"),
        ("a: '\ud800'", "", None, "characters that YAML does not allow"),
        ("[" * 200 + "]" * 200, "", 1, "nested too deeply"),
        ("[" * 100_000, "", 1, "nested too deeply"),
        ("- " * 100_000, "", 1, "nested too deeply"),
    ],
)
def test_a_fault_in_yaml_is_named_with_its_place(text: str, path: str, line: int | None, message: str) -> None:
    found = fault_of(text, "inngest.yaml")
    assert found[:2] == (path, line)
    assert message in found[2]


@pytest.mark.parametrize(
    ("text", "path", "line", "message"),
    [
        ("", "", 1, "column 1: "),
        ('{"a": 1,\n "b" 2}', "", 2, "column 6: Expecting ':' delimiter"),
        ('{"a": 1, "a": 2}', "$.a", 1, "is there twice"),
        ('{"a": 1,\n\n "b": 1,\n "a": 2}', "$.a", 4, "is there twice"),
        ('{"steps": {"a": [{"id": 1,\n "id": 2,\n "id": 3}]}}', "$.steps.a[0].id", 3, "is there twice"),
        ('{"a": {"b": 1, "b": 2},\n "a": 3}', "$.a", 2, "is there twice"),
        ("NaN", "", None, "NaN is not JSON"),
        ("[-Infinity]", "", None, "-Infinity is not JSON"),
        ("[" * 100_000, "", None, "nested too deeply"),
        ('{"a":' * 90_000, "", None, "nested too deeply"),
        ("1" * 5_000, "", None, "digits"),
    ],
)
def test_a_fault_in_json_is_named_with_its_place(text: str, path: str, line: int | None, message: str) -> None:
    found = fault_of(text, "inngest.json")
    assert found[:2] == (path, line)
    assert message in found[2]


def test_a_byte_order_mark_does_no_harm() -> None:
    assert read_document('\ufeff{"a": 1}', "inngest.json") == {"a": 1}


def test_cue_is_answered_with_the_command_that_makes_the_json() -> None:
    assert "cue export inngest.cue > inngest.json" in fault_of("id: string", "inngest.cue")[2]


def test_another_name_is_refused() -> None:
    assert "inngest.json or inngest.yaml" in fault_of("{}", "inngest.yml")[2]


@pytest.mark.parametrize("filename", ["inngest.json", "inngest.yaml"])
@pytest.mark.parametrize("text", ['"' + "x" * 600_000 + '"', '"' + "é" * 300_000 + '"'])
def test_a_document_that_is_too_large_is_refused(text: str, filename: str) -> None:
    assert "larger than 512 KiB" in fault_of(text, filename)[2]


@pytest.mark.parametrize("filename", ["inngest.json", "inngest.yaml"])
@pytest.mark.parametrize("value", ["0", "[]", "{}"])
def test_a_document_has_so_many_values_and_no_more(value: str, filename: str) -> None:
    assert read_document(f"[{(value + ',') * 49_998}{value}]", filename)
    assert "more than 50000 values" in fault_of(f"[{(value + ',') * 49_999}{value}]", filename)[2]


@pytest.mark.parametrize("filename", ["inngest.json", "inngest.yaml"])
def test_names_of_fields_are_no_values_of_their_own(filename: str) -> None:
    fields = ",".join(f'"{number}": 0' for number in range(40_000))
    assert read_document(f"{{{fields}}}", filename)


@pytest.mark.parametrize(
    "text",
    [
        "[" + "[]," * 170_000 + "]",
        "a0: 1\n" * 70_000,
        "- a\n" * 120_000,
        "a: {" * 100_000,
        "? " * 200_000,
        "a: '" + "''" * 200_000,
    ],
)
def test_the_largest_yaml_is_read_or_refused_quickly(text: str) -> None:
    began = time.monotonic()
    with suppress(InvalidDefinition):
        read_document(text, "inngest.yaml")
    assert time.monotonic() - began < 10
