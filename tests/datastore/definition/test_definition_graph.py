import time
from collections.abc import Callable

import pytest

from apps.datastore.definition import first_steps, from_json, leaf_steps, parse, steps_after, to_json
from tests.datastore.definition.documents_of_tests import HTTP, document, faults_of, with_graph


def ids(steps: tuple[object, ...]) -> list[str]:
    return [str(getattr(step, "id")) for step in steps]  # noqa: B009


def test_a_definition_knows_what_comes_first_next_and_last() -> None:
    graph = {"a": None, "b": ["a"], "c": ["a"], "d": ["b", "c"], "e": ["$trigger"], "f": ["$trigger", "e"]}
    definition = parse(with_graph(graph), {})
    assert ids(first_steps(definition)) == ["a", "e", "f"]
    assert ids(steps_after(definition, "a")) == ["b", "c"]
    assert ids(steps_after(definition, "b")) == ["d"]
    assert steps_after(definition, "d") == ()
    assert ids(leaf_steps(definition)) == ["d", "f"]


def test_the_order_of_the_document_does_not_matter() -> None:
    definition = parse(with_graph({"z": ["y"], "y": ["x"], "x": None}), {})
    assert ids(first_steps(definition)) == ["x"]


def test_asking_again_costs_nothing() -> None:
    definition = parse(with_graph({"a": None, "b": ["a"]}), {})
    assert steps_after(definition, "a") is steps_after(definition, "a")
    assert leaf_steps(definition) is leaf_steps(definition)


def test_a_definition_is_the_same_after_its_json() -> None:
    definition = parse(with_graph({"a": None, "b": ["a"], "c": ["a", "b"]}), {})
    first_steps(definition)  # what is worked out must not be written
    assert from_json(to_json(definition)) == definition
    assert ids(steps_after(from_json(to_json(definition)), "a")) == ["b", "c"]


@pytest.mark.parametrize(
    ("graph", "faults"),
    [
        ({"a": ["b"], "b": ["a"]}, {"$.steps.b": "the steps go in a circle: b → a → b"}),
        ({"a": ["c"], "b": ["a"], "c": ["b"]}, {"$.steps.b": "the steps go in a circle: b → c → a → b"}),
        # Reached from the trigger, and still a circle.
        ({"s": None, "a": ["s", "b"], "b": ["a"]}, {"$.steps.b": "the steps go in a circle: b → a → b"}),
        # What only follows a circle is never reached; what also follows a good step is.
        (
            {"a": ["b"], "b": ["a"], "c": ["b"], "d": ["c"], "e": ["d", "$trigger"]},
            {
                "$.steps.b": "the steps go in a circle: b → a → b",
                "$.steps.c": "is never reached from the trigger",
                "$.steps.d": "is never reached from the trigger",
            },
        ),
        (
            {"a": ["b"], "b": ["a"], "c": ["d"], "d": ["c"]},
            {
                "$.steps.b": "the steps go in a circle: b → a → b",
                "$.steps.d": "the steps go in a circle: d → c → d",
            },
        ),
        ({"a": ["a"], "b": ["a"]}, {"$.steps.a.after[0].step": "a step cannot come after itself"}),
        ({"a": ["bb"], "bbb": ["a"]}, {"$.steps.a.after[0].step": 'there is no step "bb" (did you mean "bbb"?)'}),
        # One slip is one fault: what follows the faulty step is not blamed.
        (
            {"send": None, "b": ["sned"], "c": ["b"]},
            {"$.steps.b.after[0].step": 'there is no step "sned" (did you mean "send"?)'},
        ),
    ],
)
def test_a_graph_that_cannot_run_is_refused(graph: dict[str, list[str] | None], faults: dict[str, str]) -> None:
    assert faults_of(with_graph(graph)) == faults


def test_a_long_circle_is_named_in_short() -> None:
    graph: dict[str, list[str] | None] = {f"s{n}": [f"s{(n + 1) % 500}"] for n in range(500)}
    (message,) = faults_of(with_graph(graph)).values()
    assert message.count("→") < 15
    assert "more" in message


def chain(n: int) -> list[str] | None:
    return [f"s{n - 1}"] if n else None


def dense(n: int) -> list[str] | None:
    return [f"s{m}" for m in range(max(0, n - 100), n)] or None


def pairs_in_circles(n: int) -> list[str] | None:
    return [f"s{n ^ 1}", *(f"s{m}" for m in range(max(0, n - 90), n - 2))]


@pytest.mark.parametrize("shape", [chain, dense, pairs_in_circles])
def test_the_largest_graphs_are_checked_quickly(shape: Callable[[int], list[str] | None]) -> None:
    graph = {f"s{n}": shape(n) for n in range(1_000)}
    began = time.process_time()
    if shape is pairs_in_circles:
        faults_of(with_graph(graph))
    else:
        assert len(parse(with_graph(graph), {}).steps) == 1_000
    assert time.process_time() - began < 5


def with_joins(joins: dict[str, list[list[str]]]) -> dict[str, object]:
    """A document of http steps, each after joins of those that are named for it; none is after the trigger."""
    steps = {name: [{"steps": join} for join in found] for name, found in joins.items()}
    return document(steps={name: {"runtime": HTTP, "after": after} for name, after in steps.items()})


@pytest.mark.parametrize(
    ("joins", "faults"),
    [
        (
            {"a": [], "b": [["a", "c"]], "c": [["a", "b"]]},
            {"$.steps.c": "the steps go in a circle: c → b → c"},
        ),
        # That one of its steps is reached is not enough for a join.
        (
            {"a": [], "b": [["c"]], "c": [["b"]], "d": [["a", "b"]], "e": [["d", "a"], ["a"]]},
            {"$.steps.c": "the steps go in a circle: c → b → c", "$.steps.d": "is never reached from the trigger"},
        ),
        # One slip is one fault.
        (
            {"send": [], "b": [["send", "sned"]], "c": [["b", "send"]]},
            {"$.steps.b.after[0].steps[1]": 'there is no step "sned" (did you mean "send"?)'},
        ),
    ],
)
def test_joins_that_are_never_walked_are_refused(joins: dict[str, list[list[str]]], faults: dict[str, str]) -> None:
    assert faults_of(with_joins(joins)) == faults


def test_a_join_of_steps_on_different_levels_is_walked() -> None:
    joins = {"e": [["d", "a"]], "d": [["b", "c"]], "c": [["a", "b"]], "b": [["a"]], "a": []}
    definition = parse(with_joins(joins), {})
    assert ids(steps_after(definition, "a")) == ["e", "c", "b"]
    assert ids(first_steps(definition)) == ["a"]
