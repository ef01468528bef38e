"""Whatever the document is, it is a definition or it is refused with reasons; nothing else is raised."""

import json
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.datastore.definition import InvalidDefinition, from_json, parse, read_document, to_json
from tests.datastore.definition.documents_of_tests import FILES, HTTP, TYPESCRIPT, document, faults_of, with_graph

P = ParamSpec("P")
T = TypeVar("T")

WORDS = ["a", "b", "c", "$trigger", "http", "typescript", "docker", "wasm", "1m", "file://./a", "file://.", "* * * * *"]
WORDS += ["true", "event.data.a == 1", "{{ event.data.a }}", "'a'", "[[[[", "response.a >", "async"]
FIELDS = [
    "id", "name", "triggers", "steps", "event", "expression", "definition", "cron", "idempotency",
    "throttle", "concurrency", "rateLimit", "debounce", "batchEvents", "priority", "singleton", "timeouts", "cancel",
    "path", "runtime", "after", "retries", "timeout", "type", "url", "entrypoint", "step",
    "if", "wait", "async", "match", "ttl", "onTimeout", "attempts", "limit", "period", "count", "key", "a",
    "b",
]  # fmt: skip
ASYNC = {"event": "a", "ttl": "1h"}
text = st.text(max_size=8) | st.text(st.characters(categories=["Cs", "Cc"]), max_size=3)
scalar = st.none() | st.booleans() | st.integers() | st.floats() | text | st.sampled_from(WORDS)
garbage: st.SearchStrategy[Any] = st.recursive(
    scalar,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(FIELDS) | text, inner, max_size=5),
    max_leaves=25,
)


def check(found: object) -> None:
    definition = accepted_or_refused(parse, found, FILES)
    if definition is not None:
        assert from_json(to_json(definition)) == definition


def accepted_or_refused(read: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T | None:
    """What it reads; None if it is refused, which must come with reasons that can be printed."""
    try:
        return read(*args, **kwargs)
    except InvalidDefinition as invalid:
        faults = invalid.faults
    assert faults
    for fault in faults:
        str(fault).encode()
    return None


@given(garbage)
def test_garbage_is_refused_with_reasons(found: object) -> None:
    check(found)


@given(st.sampled_from(FIELDS), garbage)
def test_garbage_in_one_field_is_refused_with_reasons(field: str, value: object) -> None:
    check(document(**{field: value}))


@given(st.sampled_from(FIELDS), garbage, st.sampled_from([HTTP, TYPESCRIPT]))
def test_garbage_in_a_step_an_edge_a_runtime_or_a_trigger_is_refused(
    field: str, value: object, runtime: object
) -> None:
    step = {"runtime": runtime}
    check(document(steps={"a": step, "b": {**step, field: value}}))
    check(document(steps={"a": step, "b": {**step, "after": [{"step": "a", field: value}]}}))
    check(document(steps={"a": {"runtime": {**HTTP, field: value}}}))
    check(document(steps={"a": step, "b": {**step, "after": [{"step": "a", "async": {**ASYNC, field: value}}]}}))
    check(document(triggers=[{"event": "a", field: value}, {field: value}]))
    check(document(throttle={"count": 1, "period": "1m", field: value}, cancel=[{"event": "a", field: value}]))
    check(document(**{name: {field: value} for name in FIELDS[8:18]}))


@given(
    st.dictionaries(
        st.sampled_from("abcdef"), st.lists(st.sampled_from(["$trigger", *"abcdef"]), max_size=3, unique=True)
    )
)
def test_any_graph_is_one_that_ends_or_is_refused(graph: dict[str, list[str]]) -> None:
    if not graph:
        return
    try:
        definition = parse(with_graph(dict(graph)), {})
    except InvalidDefinition:
        return
    done = {"$trigger"}
    while new := {s.id for s in definition.steps.values() if {n for e in s.after for n in e.sources} <= done} - done:
        done |= new
    assert done == {"$trigger", *graph}


names = st.sampled_from(["$trigger", *"abcdef"])


@given(st.dictionaries(st.sampled_from("abcdef"), st.lists(names | st.lists(names, max_size=3), max_size=3)))
def test_joins_make_a_graph_that_ends_or_are_refused(graph: dict[str, list[str | list[str]]]) -> None:
    after = {
        step_id: [{"step": entry} if isinstance(entry, str) else {"steps": entry} for entry in entries]
        for step_id, entries in graph.items()
    }
    check(document(steps={step_id: {"runtime": HTTP, "after": entries} for step_id, entries in after.items()}))


@given(st.text(), st.sampled_from(["inngest.json", "inngest.yaml"]))
def test_any_text_is_a_document_or_is_refused(text: str, filename: str) -> None:
    check(accepted_or_refused(read_document, text, filename))


@given(st.text(alphabet="{}[]:,-&*!|>'\"#?%@` \n\tab1.~<", max_size=30))
def test_any_yaml_is_a_document_or_is_refused(text: str) -> None:
    check(accepted_or_refused(read_document, text, "inngest.yaml"))


@given(garbage)
def test_json_reads_the_same_as_yaml(found: object) -> None:
    written = json.dumps(found, allow_nan=False) if _is_json(found) else "{}"
    try:
        from_yaml = read_document(written, "inngest.yaml")
    except InvalidDefinition:
        return  # YAML has no lone surrogates and no escaped controls as JSON writes them
    assert from_yaml == json.loads(written)


def _is_json(found: object) -> bool:
    try:
        json.dumps(found, allow_nan=False)
    except ValueError:
        return False
    return True


def nested(depth: int, *, objects: bool) -> Any:
    found: Any = {} if objects else []
    for _ in range(depth):
        found = {"a": found} if objects else [found]
    return found


@pytest.mark.parametrize("objects", [True, False])
@pytest.mark.parametrize("field", FIELDS)
def test_deep_values_are_refused_wherever_they_are(field: str, objects: bool) -> None:
    deep = nested(5_000, objects=objects)
    faults_of(deep)
    faults_of(document(**{field: deep}))
    faults_of(document(steps={"a": {"runtime": HTTP, field: deep}, "b": {"runtime": HTTP, "after": [{field: deep}]}}))
    faults_of(document(triggers=[{"event": "a"}, {field: deep}, {field: deep}]))


@pytest.mark.parametrize(
    "found", [{1: 2}, {"id": b"x"}, {"id": {1}}, (1,), object(), float("nan"), {"triggers": ({},)}]
)
def test_values_that_no_json_holds_are_refused(found: object) -> None:
    faults_of(found)


@pytest.mark.parametrize("size", [10_000, 100_000])
def test_a_huge_key_or_text_is_cut_in_the_fault(size: int) -> None:
    faults = faults_of(document(**{"k" * size: 1}, steps={"k" * size: {"runtime": {"type": "t" * size}}}))
    assert all(len(path) + len(message) < 1_000 for path, message in faults.items())
