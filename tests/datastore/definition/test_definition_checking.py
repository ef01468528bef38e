import json
import time

import msgspec
import pytest

from apps.datastore.definition import (
    Fault,
    FolderLimits,
    InvalidDefinition,
    OutOfTime,
    check_document,
    check_files,
    placed,
)
from apps.datastore.definition.faults import MAX_FAULTS
from apps.datastore.definition.folder import DEFAULT_LIMITS

DOCUMENT = {"id": "a", "name": "A", "triggers": [{"event": "e"}]}
RIGHT = json.dumps(DOCUMENT).encode()
INDEX = b"export const run = () => 1"


def faults_of(files: dict[str, bytes], limits: FolderLimits = DEFAULT_LIMITS) -> list[Fault]:
    with pytest.raises(InvalidDefinition) as caught:
        check_files(files, limits)
    return caught.value.faults


def said(faults: list[Fault]) -> list[str]:
    """Without the words, where they come after a place."""
    return [f"{fault.file}:{fault.line}: {fault.path}" for fault in faults]


def test_a_right_function_is_its_definition_and_its_other_files() -> None:
    files = {"inngest.json": RIGHT, "index.ts": INDEX, "logo.png": b"\x89\xff", ".env": b"x", "node_modules/a.js": b"("}
    checked = check_files(files)
    assert checked.definition.id == "a"
    assert checked.files == {"index.ts": INDEX, "logo.png": b"\x89\xff"}


JSON = b"""{
  "id": "A b",
  "nam": "A",
  "triggers": [
    {"event": "e"},
    {
      "event": 3
    }
  ],
  "idempotency": "event.",
  "steps": {
    "a": {
      "runtime": {"type": "typescript"},
      "after": [
        {"step": "b"},
        {"step": "c", "if":
          "nope"}
      ]
    },
    "b": {"path": "file://./b", "runtime": {"type": "typescript", "entrypoint": "main.ts"}}
  }
}
"""
YAML = b"""
id: A b
nam: A
triggers:
  - event: e
  -
    event: 3
idempotency: event.
steps:
  a:
    runtime: {type: typescript}
    after:
      - step: b
      - {step: c,
         if: nope}
  b:
    path: file://./b
    runtime:
      type: typescript
      entrypoint: main.ts
"""


def test_every_fault_of_a_json_file_and_of_its_scripts_has_its_line() -> None:
    files = {"inngest.json": JSON, "b/main.ts": b"import './gone';\n", "b/other.ts": b"("}
    assert said(faults_of(files)) == [
        "inngest.json:3: $.nam",
        "inngest.json:2: $.id",
        "inngest.json:1: $.name",
        "inngest.json:7: $.triggers[1].event",
        "inngest.json:10: $.idempotency",
        "inngest.json:13: $.steps.a.runtime",
        "inngest.json:16: $.steps.a.after[1].if",
        "inngest.json:16: $.steps.a.after[1].step",
        "b/main.ts:1: ",
    ]


def test_every_fault_of_a_yaml_file_and_of_its_scripts_has_its_line() -> None:
    files = {"inngest.yaml": YAML, "b/main.ts": b"\nlet a = ;"}
    assert said(faults_of(files)) == [
        "inngest.yaml:3: $.nam",
        "inngest.yaml:2: $.id",
        "inngest.yaml:2: $.name",
        "inngest.yaml:7: $.triggers[1].event",
        "inngest.yaml:8: $.idempotency",
        "inngest.yaml:11: $.steps.a.runtime",
        "inngest.yaml:15: $.steps.a.after[1].if",
        "inngest.yaml:14: $.steps.a.after[1].step",
        "b/main.ts:2: ",
    ]


@pytest.mark.parametrize(
    ("files", "place", "message"),
    [
        ({"index.ts": INDEX}, ":None: ", "there is no inngest.json or inngest.yaml"),
        (
            {"inngest.json": RIGHT, "inngest.yaml": b"id: a"},
            "inngest.yaml:None: ",
            "both inngest.json and inngest.yaml",
        ),
        ({"inngest.yml": b"id: a"}, "inngest.yml:None: ", "a definition is called inngest.json or inngest.yaml"),
        ({"inngest.cue": b"id: a"}, "inngest.cue:None: ", "cue export inngest.cue > inngest.json"),
        ({"inngest.json": b'{"a": 1,\n"b": "\xff"}'}, "inngest.json:2: ", "is not text"),
        ({"inngest.json": b'{\n  "id": 1,\n}'}, "inngest.json:3: ", "column 1: "),
        ({"inngest.yaml": b"id: a\nname: [\n"}, "inngest.yaml:3: ", "column 1: "),
        ({"inngest.json": b"[1]", "index.ts": INDEX}, "inngest.json:1: $", "must be an object"),
        ({"inngest.json": RIGHT}, "inngest.json:1: $", "its folder must hold what to run"),
        ({"inngest.json": RIGHT, "index.ts": b"let a =;"}, "index.ts:1: ", "column 8: "),
        ({"inngest.json": RIGHT, "index.js": b"import 'fs'"}, "index.js:1: ", "packages must be bundled"),
        ({"inngest.json": RIGHT, "index.ts": INDEX, "../x": b""}, "../x:None: ", "is not the path of a file"),
        ({"inngest.json": RIGHT, "index.ts": INDEX, "/x": b""}, "/x:None: ", "is not the path of a file"),
        ({"inngest.json": RIGHT, "index.ts": INDEX, "a//x": b""}, "a//x:None: ", "is not the path of a file"),
        ({"inngest.json": RIGHT, "index.ts": INDEX, "a\n": b""}, '"a\\n":None: ', "control characters"),
        ({}, ":None: ", "there is no inngest.json"),
    ],
)
def test_a_fault_is_told_with_its_place(files: dict[str, bytes], place: str, message: str) -> None:
    (fault,) = faults_of(files)
    assert said([fault]) == [place]
    assert message in fault.message


def test_json_beside_the_cue_that_it_was_made_from_is_read() -> None:
    assert set(check_files({"inngest.json": RIGHT, "inngest.cue": b"x", "index.ts": INDEX}).files) == {"index.ts"}


def test_a_function_has_its_limits() -> None:
    files = {"inngest.json": RIGHT, "index.ts": INDEX, "a": b"x" * 100}
    assert check_files(files, FolderLimits(3, 1_000))
    assert "one file too many; the limit is 2" in faults_of(files, FolderLimits(files=2))[0].message
    assert "makes the function larger" in faults_of(files, FolderLimits(total_bytes=150))[0].message


def test_a_check_ends_at_its_deadline_and_blames_no_file() -> None:
    index = f"export const run = () => {time.monotonic_ns()}".encode()
    for deadline in (time.monotonic(), time.monotonic() - 1):
        with pytest.raises(OutOfTime):
            check_files({"inngest.json": RIGHT, "index.ts": index}, deadline=deadline)
        with pytest.raises(OutOfTime):
            check_document(DOCUMENT, {"index.ts": index}, deadline=deadline)
    assert check_files({"inngest.json": RIGHT, "index.ts": index}, deadline=time.monotonic() + 60)


def test_a_document_that_came_as_values_is_checked_with_its_files() -> None:
    assert check_document(DOCUMENT, {"index.ts": INDEX}).files == {"index.ts": INDEX}
    with pytest.raises(InvalidDefinition) as caught:
        check_document({**DOCUMENT, "nam": 1}, {"index.ts": b"\nlet a = ;"})
    first, second = caught.value.faults
    assert (first.path, first.file, first.line) == ("$.nam", "", None)
    assert (second.path, second.file, second.line) == ("", "index.ts", 2)
    with pytest.raises(InvalidDefinition, match="given by itself"):
        check_document(DOCUMENT, {"index.ts": INDEX, "inngest.json": RIGHT})


@pytest.mark.parametrize(
    "steps", [[], 3, {"a": 3}, {"a": {"runtime": []}}, {"a": {"runtime": {"type": []}, "path": 3}}]
)
def test_a_document_that_is_wrong_in_any_way_is_refused(steps: object) -> None:
    with pytest.raises(InvalidDefinition):
        check_document({**DOCUMENT, "steps": steps}, {})


def test_faults_that_are_found_later_get_their_places() -> None:
    (fault,) = placed([Fault("$.id", "is taken", function="f")], {"inngest.json": b'{\n\n"id": "a"}'})
    assert str(fault) == "f/inngest.json:3: $.id: is taken"


def test_a_fault_s_line_begins_as_editors_know_places() -> None:
    assert str(Fault("$.a", "m", "inngest.json", 14)) == "inngest.json:14: $.a: m"
    assert str(Fault("$.a", "m", "inngest.json")) == "inngest.json: $.a: m"
    assert str(Fault("", "m", "steps/a/index.ts", 3, "onboarding")) == "onboarding/steps/a/index.ts:3: m"
    assert str(Fault("$.id", "m", function="a")) == "a: $.id: m"
    assert str(Fault("$.a", "m")) == "$.a: m"


def test_a_fault_of_a_document_alone_is_written_as_it_always_was() -> None:
    assert json.loads(msgspec.json.encode(Fault("$.a", "m"))) == {"path": "$.a", "message": "m"}


def test_faults_are_bounded() -> None:
    document = {**DOCUMENT, **{f"x{n}": 1 for n in range(500)}}
    faults = faults_of({"inngest.json": json.dumps(document, indent=1).encode(), "index.ts": b"("})
    assert len(faults) == MAX_FAULTS + 2
    assert (faults[0].line, faults[99].line) == (9, 108)
