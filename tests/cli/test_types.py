"""`inngest types`: the types that it writes are what their compilers take, and say what the schemas say."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from apps.cli.event_types.names import type_names
from apps.cli.event_types.python import python
from apps.cli.event_types.typescript import typescript
from apps.cli.problems import Problem
from tests.cli.scaffolds import plan, written
from tests.cli.terminal import ROOT, Said, run

TSC = ROOT / "tests" / "sdk" / "node" / "node_modules" / ".bin" / "tsc"
NODE = {
    "type": "object",
    "description": "One of a tree.",
    "properties": {"value": {"type": "string"}, "children": {"type": "array", "items": {"$ref": "#/$defs/node"}}},
    "required": ["value"],
}
DATA: dict[str, Any] = {
    "id": {"type": "string", "description": "Whose it is.\nNot a secret: */ ends no comment."},
    "plan": {"enum": ["free", "pro", 3, None]},
    "since": {"const": 2026},
    "kebab-name": {"type": "integer"},
    "class": {"type": "boolean"},
    "tags": {"type": "array", "items": {"type": "string"}},
    "pair": {"type": "array", "prefixItems": [{"type": "number"}, {"type": "string"}], "minItems": 2, "items": False},
    "some": {"type": "array", "items": {"type": ["string", "number"]}},
    "maybe": {"type": ["string", "null"]},
    "tree": {"$ref": "#/$defs/node"},
    "anything": {},
    "counts": {"type": "object", "additionalProperties": {"type": "integer"}},
    "open": {"type": "object", "properties": {"x": {"type": "number"}}, "additionalProperties": {"type": "string"}},
    "either": {
        "oneOf": [
            {"type": "object", "properties": {"kind": {"const": "a"}, "x": {"type": "number"}}, "required": ["kind"]},
            {"type": "object", "properties": {"kind": {"const": "b"}}, "required": ["kind"]},
        ]
    },
    "both": {"allOf": [{"$ref": "#/$defs/node"}, {"properties": {"extra": {"type": "string"}}, "required": ["extra"]}]},
    "itself": {"$ref": "#"},
    "like": {"$ref": "#/properties/data/properties/counts"},
}
SCHEMA = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "$id": "https://example.com/signed-up.json",
    "type": "object",
    "properties": {
        "name": {"const": "user/signed.up"},
        "data": {"type": "object", "properties": DATA, "required": ["id", "plan"], "additionalProperties": False},
    },
    "required": ["name", "data"],
    "$defs": {"node": NODE},
}
CHOICE = {
    "oneOf": [{"$ref": "#/$defs/a"}, {"properties": {"data": {"properties": {"z": {"type": "number"}}}}}],
    "$defs": {"a": {"properties": {"data": {"properties": {"z-z": {"$ref": "#/$defs/a"}}}}}},
}
EVENTS: dict[str, object] = {
    "user/signed.up": SCHEMA,
    "order/placed": None,
    "inngest/scheduled.timer": None,
    "events": CHOICE,
    "1st": {"$ref": "#/$defs/node", "$defs": {"node": NODE}},
    "user.signed-up": True,
}
USES = """
import type { Events, EventTriggers, UserSignedUp } from "./types";

const data: UserSignedUp["data"] = { id: "u", plan: 3, pair: [1, "b"], tree: { value: "v", children: [] } };
const event: EventTriggers = { name: "user/signed.up", data };
export const either: Events["user/signed.up"]["data"]["either"] = { kind: "a", x: 1 };
export const cron = (one: EventTriggers) => (one.name === "inngest/scheduled.timer" ? one.data.cron.length : event);
// @ts-expect-error: no plan
export const no_plan: UserSignedUp["data"] = { id: "u" };
// @ts-expect-error: not a plan
export const not_a_plan: UserSignedUp["data"] = { id: "u", plan: "gold" };
// @ts-expect-error: a pair has two
export const no_pair: UserSignedUp["data"] = { id: "u", plan: "pro", pair: [1] };
"""
PYTHON_USES = """
from types_of_events import Events, EventTriggers, UserSignedUp, UserSignedUpData

data: UserSignedUpData = {"id": "u", "plan": 3, "pair": (1, "b"), "tree": {"value": "v", "children": []}}
event: EventTriggers = {"name": "user/signed.up", "data": data}
signed_up: UserSignedUp = {"name": "user/signed.up", "data": data}


def placed(events: Events) -> object:
    return events["order/placed"]["data"]["anything"]


no_plan: UserSignedUpData = {"id": "u"}  # type: ignore[typeddict-item]
not_a_plan: UserSignedUpData = {"id": "u", "plan": "gold"}  # type: ignore[typeddict-item]
"""


def tsc(folder: Path, *files: str) -> None:
    if not TSC.exists() or shutil.which("node") is None:
        pytest.skip("needs TypeScript: make test installs it with Node.js")
    command = [str(TSC), "--noEmit", "--strict", "--target", "es2022", "--lib", "es2022,dom", "--types", "", *files]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def types(*arguments: str, cwd: Path, env: dict[str, str]) -> Said:
    return run(["types", *arguments], env, cwd=cwd)


def function(folder: Path, slug: str, *triggers: dict[str, Any]) -> None:
    (folder / slug).mkdir(parents=True)
    (folder / slug / "inngest.json").write_text(json.dumps({"id": slug, "name": slug, "triggers": triggers}, indent=1))


def described(event: str, schema: object) -> dict[str, Any]:
    return {"event": event, "definition": {"format": "json-schema", "def": schema}}


def test_the_typescript_compiler_takes_the_types_and_holds_code_to_them(tmp_path: Path) -> None:
    (tmp_path / "types.ts").write_text(typescript(EVENTS, "made"))
    (tmp_path / "uses.ts").write_text(USES)
    tsc(tmp_path, "types.ts", "uses.ts")


def test_mypy_takes_the_types_and_holds_code_to_them(tmp_path: Path) -> None:
    (tmp_path / "types_of_events.py").write_text(python(EVENTS, "made"))
    (tmp_path / "uses.py").write_text(PYTHON_USES)
    for command in (["mypy", "--config-file=", "--strict", "uses.py"], ["uses"]):
        done = subprocess.run(
            [sys.executable, "-m", *command], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_what_init_makes_for_typescript_compiles(tmp_path: Path) -> None:
    one = written(tmp_path, plan("typescript"))
    steps = written(tmp_path / "steps", plan("typescript", template="steps", cron="* * * * *"))
    tsc(tmp_path, f"{one}/index.ts", *(str(path) for path in steps.glob("steps/*/index.ts")))


def test_descriptions_are_comments_and_end_none(tmp_path: Path) -> None:
    text = typescript({"user/signed.up": SCHEMA}, "made")
    assert "/** One of a tree. */\nexport interface UserSignedUpNode {" in text
    assert "     * Not a secret: * / ends no comment.\n     */\n    id: string;\n" in text
    assert "One of a tree." in python({"user/signed.up": SCHEMA}, "made")


def test_names_of_types_are_identifiers_and_each_is_there_once() -> None:
    names = type_names(["user/signed.up", "user.signed-up", "1st", "events", "record", "ünïcode"])
    assert list(names.values()) == ["UserSignedUp", "UserSignedUp2", "Event1st", "Events2", "Record2", "NCode"]


@pytest.mark.parametrize("generate", [typescript, python])
@pytest.mark.parametrize(
    ("ref", "told"), [("other.json#/a", "which is not followed"), ("#/$defs/nope", "which is not there")]
)
def test_a_reference_that_leads_nowhere_is_named(generate: Any, ref: str, told: str) -> None:
    with pytest.raises(Problem, match=told):
        generate({"a/b": {"properties": {"data": {"properties": {"x": {"$ref": ref}}}}}}, "made")


def test_the_types_of_all_functions_below_a_folder_are_written(tmp_path: Path, person: dict[str, str]) -> None:
    function(tmp_path, "a", described("user/signed.up", SCHEMA), {"cron": "0 9 * * 1"})
    function(tmp_path, "b", {"event": "user/signed.up"}, {"event": "order/placed"})
    said = types("typescript", "--out", "made/types.ts", cwd=tmp_path, env=person)
    assert said.code == 0, said.err
    assert said.err == "3 events in made/types.ts\n"
    text = (tmp_path / "made" / "types.ts").read_text()
    assert text.endswith("EventTriggers = InngestScheduledTimer | OrderPlaced | UserSignedUp;\n")
    assert "  data: Record<string, unknown>;\n" in text
    assert [path.name for path in (tmp_path / "made").iterdir()] == ["types.ts"]
    printed = types("python", str(tmp_path), cwd=tmp_path, env=person)
    assert printed.code == 0
    assert "class UserSignedUp(TypedDict):" in printed.out


def test_code_that_is_wrong_without_its_types_does_not_keep_them_from_being_made(
    tmp_path: Path, person: dict[str, str]
) -> None:
    folder = written(tmp_path, plan("typescript"))
    kept = (folder / "types.ts").read_text()
    (folder / "types.ts").unlink()
    (folder / "index.ts").write_text('import { x } from "./types";\n')
    said = types("typescript", str(folder), "--out", str(folder / "types.ts"), cwd=tmp_path, env=person)
    assert said.code == 0, said.err
    assert (folder / "types.ts").read_text() == kept


def test_faults_of_schemas_are_told_with_their_places(tmp_path: Path, person: dict[str, str]) -> None:
    function(tmp_path, "a", described("a/b", {"type": "strin"}))
    function(tmp_path, "b", described("c/d", "file://./events/nope.json"))
    said = types("python", cwd=tmp_path, env=person)
    assert said.code == 1
    assert said.err.splitlines()[0].startswith("a/inngest.json:")
    assert "b/inngest.json:" in said.err
    assert "2 faults; no types were written" in said.err


def test_an_event_with_two_schemas_is_refused(tmp_path: Path, person: dict[str, str]) -> None:
    function(tmp_path, "a", described("a/b", {"type": "object"}))
    function(tmp_path, "b", described("a/b", {"type": "object", "title": "Other"}))
    said = types("typescript", cwd=tmp_path, env=person)
    assert (said.code, said.out) == (1, "")
    assert "a/b has two different schemas: in a and in b" in said.err


def test_a_folder_without_functions_is_refused(tmp_path: Path, person: dict[str, str]) -> None:
    assert "no function below ." in types("python", cwd=tmp_path, env=person).err
    assert "there is no folder nope" in types("python", "nope", cwd=tmp_path, env=person).err
