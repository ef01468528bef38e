"""Walking edges: which steps follow what has completed, when, and what is waited for first."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from apps.datastore.definition.scopes import CANCEL_NAMES, MATCH_NAMES
from apps.datastore.definition.types import TRIGGER, Async, Edge
from apps.expressions import Allowance
from apps.state.walking import WALK_BUDGET, Reader, Walked, edges_from, key_of, walk
from tests.functions import define_steps

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
A = {"a": [Edge(TRIGGER)]}
CONFIRMED = Async("confirmed", 60.0, "async.data.id == event.data.id")


def reader(outputs: Mapping[str, Any], event: Any = None) -> Reader:
    return Reader(lambda: event or {"data": {"id": 7}}, lambda: outputs, outputs.get, Allowance(WALK_BUDGET))


def follow(
    edges: Mapping[str, list[Edge]],
    *sources: str,
    outputs: Mapping[str, Any] | None = None,
    completed: tuple[str, ...] = (),
    event: Any = None,
) -> Walked:
    definition = define_steps({**A, "b": [Edge(TRIGGER)], **edges})
    return walk(definition, sources or ("a",), {*(sources or ("a",)), *completed}, reader(outputs or {}, event), NOW)


def led_to(walked: Walked) -> dict[str, float]:
    """The steps that follow, and after how many seconds."""
    return {step.step_id: (step.due_at - NOW).total_seconds() if step.due_at else 0 for step in walked.steps}


@pytest.mark.parametrize(("value", "walks"), [(True, True), (False, False), (None, False)])
def test_an_edge_is_walked_if_its_condition_is_true(value: object, walks: bool) -> None:
    walked = follow({"c": [Edge("a", condition="response.ok")]}, outputs={"a": {"ok": value}})
    assert led_to(walked) == ({"c": 0} if walks else {})
    assert [said.step_id for said in walked.not_walked] == ([] if walks else ["c"])
    assert not walked.faulty


@pytest.mark.parametrize("condition", ["response.ok", "response + 1 > 2", "response.ok.size() > 2"])
def test_a_condition_that_gives_something_else_or_fails_makes_the_step_faulty(condition: str) -> None:
    walked = follow({"c": [Edge("a", condition=condition)]}, outputs={"a": {"ok": 1}})
    assert [said.step_id for said in walked.faulty] == ["c"]
    assert "the edge from a cannot be walked: " in walked.faulty[0].message
    assert not walked.steps


def test_an_attribute_that_is_not_there_is_null() -> None:
    assert led_to(follow({"c": [Edge("a", condition="response.x.y == null && steps.z == null")]})) == {"c": 0}


@pytest.mark.parametrize(
    ("wait", "seconds"),
    [
        (0.0, 0),
        (1.5, 1.5),
        ("response.seconds", 30),
        ("response.text", 90),
        ("duration('1h') + duration('1m')", 3_660),
        ("date(response.at) - duration('5s')", 55),
        ("response.at", 60),
        ("date('2001-01-01')", 0),
        ("-5", 0),
        ("now()", 0),
    ],
)
def test_a_wait_is_a_duration_a_time_or_seconds(wait: float | str, seconds: float) -> None:
    outputs = {"a": {"seconds": 30, "text": "1m30s", "at": "2026-06-01T12:01:00Z"}}
    walked = follow({"c": [Edge("a", wait=wait)]}, outputs=outputs)
    assert led_to(walked) == {"c": seconds}
    assert all(step.due_at is None or step.due_at > NOW for step in walked.steps)


@pytest.mark.parametrize("wait", ["response.none", "true", "'soon'", "'9999-12-31' + 'x'", "duration('999999999h')"])
def test_a_wait_that_gives_no_time_makes_the_step_faulty(wait: str) -> None:
    assert [said.step_id for said in follow({"c": [Edge("a", wait=wait)]}, outputs={"a": {}}).faulty] == ["c"]


def test_of_two_edges_to_a_step_the_sooner_counts() -> None:
    walked = follow({"c": [Edge("a", wait=60.0), Edge("a", wait=5.0), Edge("a", wait=30.0)]})
    assert led_to(walked) == {"c": 5}
    assert walked.steps[0].may_hasten
    at_once = follow({"c": [Edge("a", wait=60.0), Edge("a", condition="true"), Edge("a", wait=5.0)]})
    assert led_to(at_once) == {"c": 0}


def test_only_a_step_that_another_edge_may_reach_first_may_be_hastened() -> None:
    walked = follow({"c": [Edge("a", wait=60.0)], "d": [Edge("a"), Edge("b")], "e": [Edge("a"), Edge("b", wait=1.0)]})
    assert {step.step_id: step.may_hasten for step in walked.steps} == {"c": False, "d": False, "e": True}


def test_a_join_is_walked_with_the_last_of_its_steps() -> None:
    join = {"c": [Edge(steps=("a", "b"), condition="response.a + response.b == 3 && steps.a == 1")]}
    assert led_to(follow(join, "a", outputs={"a": 1})) == {}
    assert led_to(follow(join, "b", completed=("a",), outputs={"a": 1, "b": 2})) == {"c": 0}
    assert led_to(follow(join, "a", "b", outputs={"a": 1, "b": 2})) == {"c": 0}


def test_a_join_is_one_edge_however_many_of_its_steps_complete_at_once() -> None:
    definition = define_steps({**A, "b": [Edge(TRIGGER)], "c": [Edge(steps=("a", "b"))]})
    assert len(edges_from(definition, ["a", "b"])) == 1


def test_edges_with_the_same_step_event_match_and_ttl_share_one_wait() -> None:
    later = Async("confirmed", 120.0, CONFIRMED.match)
    walked = follow(
        {
            "yes": [Edge("a", listen=CONFIRMED)],
            "also": [Edge("a", listen=CONFIRMED, wait=30.0)],
            "no": [Edge("a", listen=CONFIRMED, on_timeout=True)],
            "other": [Edge("a", listen=later)],
            "joined": [Edge(steps=("a", "b"), listen=CONFIRMED)],
        },
        completed=("b",),
    )
    shared, other, joined = sorted(walked.waits, key=lambda wait: (wait.sources, wait.expires_at))
    assert [branch.step_id for branch in shared.branches.arrived] == ["yes", "also"]
    assert [branch.due_at for branch in shared.branches.arrived] == [None, NOW + timedelta(seconds=30)]
    assert [branch.step_id for branch in shared.branches.timed_out] == ["no"]
    assert (shared.expires_at, other.expires_at) == (NOW + timedelta(seconds=60), NOW + timedelta(seconds=120))
    assert (shared.sources, joined.sources) == ("a", "a,b")
    assert not walked.steps


def test_where_the_condition_is_not_true_nothing_is_waited_for() -> None:
    walked = follow(
        {
            "yes": [Edge("a", condition="false", listen=CONFIRMED)],
            "odd": [Edge("a", condition="1", listen=CONFIRMED)],
            "no": [Edge("a", listen=CONFIRMED, on_timeout=True)],
        }
    )
    (wait,) = walked.waits
    assert (wait.branches.arrived, len(wait.branches.timed_out)) == ((), 1)
    assert not follow({"c": [Edge("a", condition="false", listen=CONFIRMED)]}).waits


def key(match: str, event: Any = None, **outputs: Any) -> tuple[str, int]:
    return key_of(match, CANCEL_NAMES if event else MATCH_NAMES, reader(outputs, event), ["a"], NOW)


def test_what_must_be_equal_becomes_a_key() -> None:
    paths, one = key("async.data.id == event.data.id")
    assert paths == '[["data","id"]]'
    assert key("event.data.id == async.data.id && async.data.n > 1") == (paths, one)
    assert key("async.data.id == 7.0") == (paths, one)
    assert key("async.data.id == 8")[1] != one
    assert key("async.data.id == event.data.id && async.user.x == response.y", a={"y": 1})[0] == (
        '[["data","id"],["user","x"]]'
    )


@pytest.mark.parametrize(
    "match",
    [
        "async.data.id != event.data.id",
        "async.data.id == event.data.id || true",
        "async.data.id == async.data.other",
        "async.data.at == string(now())",
        "async.data.id == 1 / 0",
        "async.data.id == 0.0 / 0.0",
        "async.data.id == steps.later",
        "async.data.id == {'x': [steps.later.id]}",
    ],
)
def test_what_need_not_be_equal_or_may_change_becomes_none(match: str) -> None:
    assert key(match) == ("", 0)


@pytest.mark.parametrize(
    "match", ["async.data.n == size(steps)", "async.data.n == (has(steps.later) ? 1 : 2)", "async.data.n == steps"]
)
def test_what_changes_with_each_completed_step_becomes_no_key(match: str) -> None:
    """At opening it has one value, when the event arrives another."""
    assert key(match, a={"x": 1}) == ("", 0)


@pytest.mark.parametrize("match", ["async.data.x == steps.a", "async.data.x == response"])
def test_an_output_that_nests_deeply_is_wanted_as_any_other(match: str) -> None:
    nested: list[Any] = []
    for _ in range(100_000):
        nested = [nested]
    assert key(match, a=nested)[0] == '[["data","x"]]'


def test_a_key_of_many_paths_is_cut() -> None:
    match = " && ".join(f"async.data.{'x' * 50}{number} == {number}" for number in range(100))
    paths, _ = key(match)
    assert 0 < len(paths) <= 1_000
