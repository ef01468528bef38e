import re
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.datastore.definition import (
    TRIGGER,
    Async,
    Edge,
    FunctionDefinition,
    InvalidDefinition,
    leaf_steps,
    parse,
    steps_after,
)
from tests.datastore.definition.documents_of_tests import HTTP, document, faults_of, with_edge

MATCH = "async.user.id == event.user.id && response.ok && steps.a.ok"
ASYNC = {"event": "user/confirmed", "ttl": "72h"}
LISTEN = Async("user/confirmed", 259_200.0)
IF = "response.status == 200\n&& steps.b.ok"
WAIT = "date(event.data.ends) - duration('1h')"


def with_edges(*edges: object) -> dict[str, Any]:
    """A document whose steps `a` and `b` come first, and `c` after these edges."""
    return document(
        steps={"a": {"runtime": HTTP}, "b": {"runtime": HTTP}, "c": {"runtime": HTTP, "after": list(edges)}}
    )


def edges_of(definition: FunctionDefinition) -> tuple[Edge, ...]:
    return definition.steps["c"].after


@pytest.mark.parametrize(
    ("written", "edge"),
    [
        ({"step": "a"}, Edge("a")),
        ({"if": "event.data.vip"}, Edge(TRIGGER, condition="event.data.vip")),
        ({"step": "a", "if": IF}, Edge("a", condition=IF)),
        ({"step": "a", "wait": "24h"}, Edge("a", wait=86_400.0)),
        ({"step": "a", "wait": "1h30m"}, Edge("a", wait=5_400.0)),
        ({"step": "a", "wait": "0s"}, Edge("a", wait=0.0)),
        ({"step": "a", "wait": WAIT}, Edge("a", wait=WAIT)),
        ({"step": "a", "wait": "response.pause"}, Edge("a", wait="response.pause")),
        ({"step": "a", "wait": "60"}, Edge("a", wait="60")),
        ({"step": "a", "wait": "'24h'"}, Edge("a", wait="'24h'")),
        ({"step": "a", "wait": "date('2030-01-01T09:00:00Z')"}, Edge("a", wait="date('2030-01-01T09:00:00Z')")),
        ({"step": "a", "wait": "now_plus('1h')"}, Edge("a", wait="now_plus('1h')")),
        ({"step": "a", "async": ASYNC}, Edge("a", listen=LISTEN)),
        (
            {"step": "a", "async": {**ASYNC, "match": MATCH}},
            Edge("a", listen=Async("user/confirmed", 259_200.0, MATCH)),
        ),
        ({"step": "a", "async": {**ASYNC, "onTimeout": True}}, Edge("a", listen=LISTEN, on_timeout=True)),
        ({"step": "a", "async": {**ASYNC, "onTimeout": False}}, Edge("a", listen=LISTEN)),
        ({"steps": ["b", "a"]}, Edge(steps=("a", "b"))),
        ({"steps": ["a"]}, Edge("a")),
        (
            {"steps": ["a", "b"], "if": "response.a.ok", "wait": "1m", "async": ASYNC},
            Edge("", ("a", "b"), "response.a.ok", 60.0, LISTEN),
        ),
    ],
)
def test_an_edge_says_where_it_comes_from_and_when_it_is_walked(written: object, edge: Edge) -> None:
    assert edges_of(parse(with_edges(written), {})) == (edge,)


def test_a_step_may_come_after_another_in_several_ways() -> None:
    edges = [
        {"step": "a", "if": "response.ok"},
        {"step": "a", "if": "!response.ok", "wait": "1h"},
        {"step": "a", "async": ASYNC},
        {"step": "a", "async": {**ASYNC, "onTimeout": True}},
        {"steps": ["a", "b"]},
    ]
    assert len(edges_of(parse(with_edges(*edges), {}))) == 5


def test_a_join_follows_each_of_its_steps_once() -> None:
    definition = parse(with_edges({"steps": ["a", "b"]}, {"step": "a", "wait": "1h"}), {})
    assert steps_after(definition, "a") == steps_after(definition, "b") == (definition.steps["c"],)
    assert leaf_steps(definition) == (definition.steps["c"],)


@pytest.mark.parametrize(
    "edges",
    [
        [{"step": "a"}, {"step": "a"}],
        [{}, {"step": "$trigger"}],
        [{"step": "a", "wait": "60s"}, {"step": "a", "wait": "1m"}],
        [{"step": "a", "async": ASYNC}, {"step": "a", "async": {**ASYNC, "onTimeout": False}}],
        [{"steps": ["a", "b"], "if": "true"}, {"steps": ["b", "a"], "if": "true"}],
        [{"steps": ["a"]}, {"step": "a"}],
    ],
)
def test_the_same_edge_twice_is_refused(edges: list[object]) -> None:
    assert faults_of(with_edges(*edges)) == {"$.steps.c.after[1]": "is the same as $.steps.c.after[0]"}


WRONG: list[tuple[dict[str, object], str, str]] = [
    ({"if": True}, "if", "must be text, not true or false"),
    ({"if": "response.status = 200"}, "if", "^is not an expression: column 17: "),
    ({"if": "async.data.ok"}, "if", "async"),
    ({"wait": 5}, "wait", "must be text, not a number"),
    ({"wait": "5 minutes"}, "wait", '^is neither a duration such as "30s", .* nor an expression: column 3: '),
    ({"wait": "tomorrow"}, "wait", "nor an expression: column 1: .*tomorrow"),
    ({"wait": "-5s"}, "wait", "nor an expression: column "),
    ({"wait": "9999w"}, "wait", "^a duration is at most 100 years$"),
    ({"wait": "'tomorrow'"}, "wait", "never gives a duration or a time: .*30s"),
    ({"wait": "[1]"}, "wait", "never gives a duration or a time: .* not list"),
    ({"wait": "1 / 0"}, "wait", "never gives a duration or a time: division by zero"),
    ({"async": "user/confirmed"}, "async", "must be an object"),
    ({"async": {"ttl": "1h"}}, "async.event", "is missing"),
    ({"async": {"event": "a"}}, "async.ttl", "is missing"),
    ({"async": {"event": "", "ttl": "1h"}}, "async.event", "must not be empty"),
    ({"async": {"event": "a", "ttl": "x"}}, "async.ttl", "must be a duration"),
    ({"async": {"event": "a", "ttl": "0s"}}, "async.ttl", "more than zero"),
    ({"async": {**ASYNC, "match": "async.data.id == evnt.data.id"}}, "async.match", "column 18: .*evnt"),
    ({"async": {**ASYNC, "onTimeout": "yes"}}, "async.onTimeout", "must be true or false"),
    ({"async": {**ASYNC, "ontimeout": True}}, "async.ontimeout", 'did you mean "onTimeout"'),
    ({"steps": []}, "steps", "must not be empty"),
    ({"steps": "a"}, "steps", "must be an array"),
    ({"steps": [1]}, "steps[0]", "must be text"),
    ({"steps": ["a"] * 101}, "steps", "the limit is 100"),
    ({"steps": ["a", "a"]}, "steps[1]", '"a" is already one of the steps'),
    ({"steps": ["a", "z"]}, "steps[1]", 'there is no step "z"'),
    ({"steps": ["a", "b"]}, "steps[1]", "cannot come after itself"),
    ({"steps": ["a", "$trigger"]}, "steps[1]", "a join is of steps"),
    ({"onTimeout": True}, "onTimeout", "unknown field"),
]


@pytest.mark.parametrize(("edge", "path", "message"), WRONG)
def test_an_edge_s_fault_is_named_with_its_path(edge: dict[str, object], path: str, message: str) -> None:
    faults = faults_of(with_edge(**edge))
    assert list(faults) == [f"$.steps.b.after[0].{path}"]
    (found,) = faults.values()
    assert re.search(message, found), found


def test_an_edge_comes_from_a_step_or_from_several_not_both() -> None:
    assert faults_of(with_edges({"step": "a", "steps": ["a", "b"]})) == {
        "$.steps.c.after[0]": "must have either step or steps, not both"
    }


def test_all_faults_of_an_edge_come_at_once_and_it_is_not_compared_with_others() -> None:
    edge = {"step": "z", "if": "(", "wait": "soon", "async": {"event": "a", "match": ")"}}
    fields = ("if", "wait", "async.match", "async.ttl", "step")
    assert set(faults_of(with_edges(edge, edge))) == {
        f"$.steps.c.after[{index}].{field}" for index in (0, 1) for field in fields
    }


def test_a_constant_wait_that_costs_too_much_to_work_out_at_deploy_is_believed() -> None:
    wait = "[" + "1, " * 2_000 + "1].map(x, x * 2)"
    assert edges_of(parse(with_edges({"step": "a", "wait": wait}), {})) == (Edge("a", wait=wait),)


@given(st.text(max_size=12) | st.text(st.sampled_from("0123456789smhdw.'\" -()"), max_size=12))
def test_any_wait_is_seconds_or_an_expression_or_is_refused(wait: str) -> None:
    with suppress(InvalidDefinition):
        (edge,) = edges_of(parse(with_edges({"step": "a", "wait": wait}), {}))
        assert isinstance(edge.wait, float) or edge.wait == wait
