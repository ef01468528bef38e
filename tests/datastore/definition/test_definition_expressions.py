"""Expressions are compiled at deploy, over the names that they will have, and not too many of them."""

import time
from typing import Any

import pytest

from apps.datastore.definition import expressions, parse
from apps.datastore.definition.scopes import CANCEL_NAMES, EDGE_NAMES, KEY_NAMES, MATCH_NAMES, TRIGGER_NAMES
from tests.datastore.definition.documents_of_tests import FILES, HTTP, document, faults_of, with_edge

NAMES = ("event", "steps", "response", "async")


def with_async(match: str) -> dict[str, Any]:
    return with_edge(step="a", **{"async": {"event": "a", "ttl": "1h", "match": match}})


@pytest.mark.parametrize(
    ("write", "names"),
    [
        (lambda text: document(triggers=[{"event": "a", "expression": text}]), TRIGGER_NAMES),
        (lambda text: document(idempotency=text), KEY_NAMES),
        (lambda text: document(throttle={"count": 1, "period": "1m", "key": text}), KEY_NAMES),
        (lambda text: document(cancel=[{"event": "a", "if": text}]), CANCEL_NAMES),
        (lambda text: with_edge(step="a", **{"if": text}), EDGE_NAMES),
        (lambda text: with_edge(step="a", wait=text), EDGE_NAMES),
        (with_async, MATCH_NAMES),
    ],
)
def test_an_expression_sees_the_names_of_its_place_and_no_others(write: Any, names: frozenset[str]) -> None:
    for name in NAMES:
        if name in names:
            parse(write(f"{name}.data.id"), FILES)
        else:
            (message,) = faults_of(write(f"{name}.data.id"), FILES).values()
            assert "column 1" in message
            assert name in message


def test_an_expression_is_compiled_once_however_often_it_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled: list[str] = []
    monkeypatch.setattr(expressions, "compile_expression", lambda text, names: compiled.append(text))
    steps: dict[str, Any] = {"a": {"runtime": HTTP}}
    steps |= {f"s{n}": {"runtime": HTTP, "after": [{"step": "a", "if": "response.ok"}]} for n in range(50)}
    parse(document(steps=steps), {})
    assert compiled == ["response.ok"]


def test_a_long_expression_is_cut_in_the_fault() -> None:
    for text in ("a" * 10_000, f"event.{'a' * 9_000}()", f"'{'a' * 9_000}"):
        for field in ("if", "wait"):
            (message,) = faults_of(with_edge(step="a", **{field: text})).values()
            assert len(message) < 600


def with_conditions(count: int, text: str = "response.n == {}") -> dict[str, Any]:
    after = [{"step": "a", "if": text.format(n)} for n in range(count)]
    steps: dict[str, Any] = {"a": {"runtime": HTTP}}
    steps |= {f"s{n}": {"runtime": HTTP, "after": after[n * 100 : n * 100 + 100]} for n in range((count + 99) // 100)}
    return document(steps=steps)


def test_a_function_may_have_a_thousand_different_expressions() -> None:
    parse(with_conditions(1_000), {})
    assert faults_of(with_conditions(1_500)) == {
        "$.steps.s10.after[0].if": "is one expression too many; a function may have 1000 different ones"
    }


def test_the_most_expressions_are_compiled_quickly() -> None:
    long = "{} + " + " + ".join(f"response.items[{n}].price * event.data.factor" for n in range(10)) + " > 1000"
    began = time.monotonic()
    parse(with_conditions(1_000, long), {})
    faults_of(with_conditions(100_000, long + " &&"))
    assert time.monotonic() - began < 20
