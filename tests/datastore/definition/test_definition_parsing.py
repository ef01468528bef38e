import re
from typing import Any

import pytest

from apps.datastore.definition import TRIGGER, Edge, EventTrigger, Runtime, Step, parse
from tests.datastore.definition.documents_of_tests import (
    FILES,
    HTTP,
    TYPESCRIPT,
    document,
    faults_of,
    with_edge,
    with_step,
)


def test_a_function_without_steps_is_one_typescript_step() -> None:
    definition = parse(document(), {"index.ts": b"", "types.ts": b""})
    assert (definition.id, definition.name) == ("post-signup", "Post-signup")
    assert definition.triggers == (EventTrigger("user/signed.up"),)
    runtime = Runtime("typescript", {"entrypoint": "index.ts"})
    assert definition.steps == {"step-1": Step("step-1", "Post-signup", "", runtime, (Edge(TRIGGER),), 3, 300.0)}


def test_a_function_without_steps_may_be_javascript_and_may_say_so_with_an_empty_object() -> None:
    definition = parse(document(steps={}), {"index.js": b""})
    assert definition.steps["step-1"].runtime.options == {"entrypoint": "index.js"}


def test_a_step_is_read_with_all_that_it_says() -> None:
    steps = {
        "compose": {
            "id": "compose",
            "name": "Write it",
            "path": "file://./steps/compose",
            "runtime": TYPESCRIPT,
            "retries": {"attempts": 5},
            "timeout": "1m30s",
        },
        "send": {"runtime": HTTP, "after": [{"step": "compose"}], "timeout": "2h"},
    }
    found = parse(document(steps=steps), FILES).steps
    script = Runtime("typescript", {"entrypoint": "index.ts"})
    assert found["compose"] == Step("compose", "Write it", "steps/compose", script, (Edge(TRIGGER),), 5, 90.0)
    assert found["send"] == Step(
        "send", "send", "", Runtime("http", {"url": HTTP["url"]}), (Edge("compose"),), 3, 7_200.0
    )


@pytest.mark.parametrize(
    ("step", "field", "expected"),
    [
        ({}, "timeout", 900.0),
        ({"runtime": TYPESCRIPT}, "timeout", 300.0),
        ({"timeout": "20ms"}, "timeout", 0.02),
        ({}, "attempts", 3),
        ({"retries": {}}, "attempts", 3),
        ({"retries": {"attempts": 0}}, "attempts", 1),
        ({"retries": {"attempts": 20}}, "attempts", 20),
        ({"after": []}, "after", (Edge(TRIGGER),)),
        ({"after": [{}]}, "after", (Edge(TRIGGER),)),
        ({"after": [{"step": "$trigger"}]}, "after", (Edge(TRIGGER),)),
        ({"path": "file://."}, "path", ""),
        ({"path": "file://./"}, "path", ""),
        ({"path": "file://./steps/../steps//compose/"}, "path", "steps/compose"),
    ],
)
def test_what_a_step_leaves_out_has_a_default(step: dict[str, Any], field: str, expected: object) -> None:
    assert getattr(parse(with_step(**step), FILES).steps["a"], field) == expected


@pytest.mark.parametrize(
    ("path", "entrypoint", "found"),
    [
        ("file://./steps/plain", None, "index.js"),
        ("file://./steps/odd", "main.ts", "main.ts"),
        ("file://./steps/odd", "./main.ts", "main.ts"),
        ("file://./steps/odd", "../compose//index.ts", "../compose/index.ts"),
        ("file://.", "steps/odd/main.ts", "steps/odd/main.ts"),
        ("file://.", "./steps/../steps/odd/main.ts", "steps/odd/main.ts"),
    ],
)
def test_an_entrypoint_is_kept_as_seen_from_the_step_s_folder(path: str, entrypoint: str | None, found: str) -> None:
    runtime = TYPESCRIPT if entrypoint is None else {**TYPESCRIPT, "entrypoint": entrypoint}
    definition = parse(with_step(path=path, runtime=runtime), FILES)
    assert definition.steps["a"].runtime.options == {"entrypoint": found}


def test_a_function_may_be_triggered_by_the_server_s_own_events() -> None:
    assert parse(document(triggers=[{"event": "inngest/function.failed"}]), FILES).triggers[0].event


WRONG: list[tuple[object, str, str]] = [
    ([], "$", "must be an object, not an array"),
    (None, "$", "must be an object, not null"),
    ({}, "$.id", "is missing"),
    (document(id=7), "$.id", "must be text, not a number"),
    (document(id=""), "$.id", "must not be empty"),
    (document(id="Post signup"), "$.id", 'must be a slug.*"post-signup" would do'),
    (document(id="-a"), "$.id", "must be a slug"),
    (document(id="a\n"), "$.id", "control characters"),
    (document(id="a" * 101), "$.id", "the limit is 100"),
    (document(name=None), "$.name", "must be text, not null"),
    (document(name="a\x00b"), "$.name", "control characters"),
    (document(name="\ud800"), "$.name", "broken Unicode"),
    (document(rate_limit=1), "$.rate_limit", r'unknown field \(did you mean "rateLimit"\?\)'),
    (document(stpes={}), "$.stpes", 'did you mean "steps"'),
    (document(colour="red"), "$.colour", "^unknown field$"),
    (document(**{"odd key": 1}), '$["odd key"]', "unknown field"),
    (document(triggers={}), "$.triggers", "must be an array, not an object"),
    (document(triggers=[]), "$.triggers", "must not be empty"),
    (document(triggers=["a"]), "$.triggers[0]", "must be an object, not text"),
    (document(triggers=[{}]), "$.triggers[0]", "must have an event, or a cron"),
    (document(triggers=[{"event": 1}]), "$.triggers[0].event", "must be text"),
    (document(triggers=[{"event": "a", "evnt": 1}]), "$.triggers[0].evnt", 'did you mean "event"'),
    (document(triggers=[{"event": "a"}, {"event": "a"}]), "$.triggers[1].event", '"a" is already one'),
    (document(triggers=[{"event": "a", "cron": "* * * * *"}]), "$.triggers[0]", "not both"),
    (document(triggers=[{"event": str(n)} for n in range(101)]), "$.triggers", "the limit is 100"),
    (document(steps=[]), "$.steps", "must be an object, not an array"),
    (document(steps={f"s{n}": {"runtime": HTTP} for n in range(1_001)}), "$.steps", "the limit is 1000"),
    (document(steps={"a": None}), "$.steps.a", "must be an object, not null"),
    (document(steps={"Step One": {"runtime": HTTP}}), '$.steps["Step One"]', "must be a slug"),
    (with_step(id="b"), "$.steps.a.id", 'the same as the step\'s key, "a"'),
    (with_step(nme="x"), "$.steps.a.nme", 'did you mean "name"'),
    (with_step(name=""), "$.steps.a.name", "must not be empty"),
    (with_step(retries=3), "$.steps.a.retries", "must be an object"),
    (with_step(retries={"atempts": 3}), "$.steps.a.retries.atempts", 'did you mean "attempts"'),
    (with_step(retries={"attempts": 21}), "$.steps.a.retries.attempts", "from 0 to 20"),
    (with_step(retries={"attempts": -1}), "$.steps.a.retries.attempts", "from 0 to 20"),
    (with_step(retries={"attempts": True}), "$.steps.a.retries.attempts", "not true or false"),
    (with_step(retries={"attempts": 2.0}), "$.steps.a.retries.attempts", "not a fraction"),
    (with_step(timeout=30), "$.steps.a.timeout", "must be text, not a number"),
    (with_step(timeout="soon"), "$.steps.a.timeout", "must be a duration"),
    (with_step(timeout="0s"), "$.steps.a.timeout", "more than zero"),
    (with_step(timeout="2h1s"), "$.steps.a.timeout", "at most 2h for http"),
    (with_step(timeout="5m1s", runtime=TYPESCRIPT), "$.steps.a.timeout", "at most 5m for typescript"),
    (with_step(runtime=None), "$.steps.a.runtime", "must be an object"),
    (document(steps={"a": {}}), "$.steps.a.runtime", "is missing"),
    (with_step(runtime={}), "$.steps.a.runtime.type", "is missing"),
    (with_step(runtime={"type": "typscript"}), "$.steps.a.runtime.type", 'did you mean "typescript"'),
    (with_step(runtime={"type": ["http"]}), "$.steps.a.runtime.type", "must be text, not an array"),
    (with_step(runtime={"type": "http"}), "$.steps.a.runtime.url", "is missing"),
    (with_step(runtime={**HTTP, "entrypoint": "a.ts"}), "$.steps.a.runtime.entrypoint", "unknown field"),
    (with_step(runtime={**TYPESCRIPT, "url": "x"}), "$.steps.a.runtime.url", "unknown field"),
    (with_step(runtime={**TYPESCRIPT, "entrypoint": "no.ts"}), "$.steps.a.runtime.entrypoint", 'there is no "no.ts"'),
    (with_step(runtime={**TYPESCRIPT, "entrypoint": "a.py"}), "$.steps.a.runtime.entrypoint", "ends in .ts"),
    (with_step(runtime={**TYPESCRIPT, "entrypoint": "../a.ts"}), "$.steps.a.runtime.entrypoint", "must be inside"),
    (with_step(runtime={**TYPESCRIPT, "entrypoint": "/a.ts"}), "$.steps.a.runtime.entrypoint", "must be inside"),
    (with_step(runtime=TYPESCRIPT, path="file://./none"), "$.steps.a.runtime", "no index.ts or index.js .*none"),
    (with_edge(step="c"), "$.steps.b.after[0].step", 'there is no step "c"'),
    (with_edge(stp="a"), "$.steps.b.after[0].stp", 'did you mean "step"'),
    (with_edge(step="b"), "$.steps.b.after[0].step", "cannot come after itself"),
    (with_edge(step=1), "$.steps.b.after[0].step", "must be text"),
    (with_step(after={}), "$.steps.a.after", "must be an array"),
    (with_step(after=["b"]), "$.steps.a.after[0]", "must be an object, not text"),
    (with_step(after=[{}, {"step": "$trigger"}]), "$.steps.a.after[1]", r"is the same as \$.steps.a.after\[0\]"),
    (with_step(after=[{}] * 101), "$.steps.a.after", "the limit is 100"),
]


@pytest.mark.parametrize(("found", "path", "message"), WRONG)
def test_a_fault_is_named_with_its_path(found: object, path: str, message: str) -> None:
    faults = faults_of(found)
    assert path in faults
    assert re.search(message, faults[path]), faults[path]
    assert len(faults) == 1 or found == {}


@pytest.mark.parametrize(
    "url",
    [
        "/notify",
        "example.com",
        "//example.com/x",
        "ftp://example.com",
        "http://",
        "http:///x",
        "http://a:b/",
        "http://[::1",
        "http://a b/",
        "http://a\n/",
        "javascript:alert(1)",
        "http://a:99999/",
    ],
)
def test_an_http_step_needs_an_absolute_url(url: str) -> None:
    assert list(faults_of(with_step(runtime={"type": "http", "url": url}))) == ["$.steps.a.runtime.url"]


@pytest.mark.parametrize(
    "path",
    [
        "steps/a",
        "./steps/a",
        "/etc",
        "file:///etc",
        "file://etc",
        "file://..",
        "file://../x",
        "file://./../x",
        "file://./a/../../b",
        "file://./a\\b",
        "file://.hidden",
        "file://./a\x00b",
        "http://a/b",
        "",
        3,
    ],
)
def test_a_step_s_folder_is_inside_the_function_s(path: object) -> None:
    assert list(faults_of(with_step(path=path))) == ["$.steps.a.path"]


def test_a_function_without_steps_needs_something_to_run() -> None:
    assert "index.ts or index.js" in faults_of(document(), {"README.md": b"", "steps/index.ts": b""})["$"]


def test_all_faults_come_at_once() -> None:
    steps = {
        "a": {
            "id": "b",
            "runtime": {"type": "http", "url": "x"},
            "retries": {"attempts": 99},
            "after": [{"step": "z"}],
        },
        "c": {"runtime": HTTP, "timeout": "x", "after": [{"step": "d"}]},
        "d": {"runtime": HTTP, "after": [{"step": "c"}], "colour": 1},
    }
    found = document(id="Bad Id", triggers=[], throttle={"count": 1}, steps=steps)
    del found["name"]
    assert set(faults_of(found)) == {
        "$.id", "$.name", "$.triggers", "$.throttle.period", "$.steps.a.id", "$.steps.a.runtime.url",
        "$.steps.a.retries.attempts", "$.steps.a.after[0].step", "$.steps.c.timeout", "$.steps.d.colour", "$.steps.d",
    }  # fmt: skip


def test_a_document_that_is_wrong_everywhere_gives_a_hundred_faults_and_their_number() -> None:
    faults = faults_of(document(**{f"x{n}": n for n in range(5_000)}))
    assert len(faults) == 101
    assert faults["$"] == "and 4900 more faults"
