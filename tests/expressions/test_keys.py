"""Keys: text with expressions in it."""

import math

import pytest

from apps.expressions import InvalidExpression, Value, compile_key
from tests.expressions.evaluating import NAMES, NOW

EVENT: dict[str, Value] = {
    "id": "a1",
    "n": 5.0,
    "big": 1e300,
    "ok": True,
    "list": [1.0, "ü\n", None],
    "map": {"b": 1, "a": {}},
}


def render(text: str) -> str:
    return compile_key(text, NAMES).render({"event": EVENT}, NOW)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{ event.id }}", "a1"),
        ("event.id", "a1"),
        ("event.id + '-x'", "a1-x"),
        ("order-{{event.id}}/{{ event.n }}", "order-a1/5"),
        (" {{ event.id }} ", " a1 "),
        ("{{ event.missing }}", ""),
        ("{{ event.ok }}", "true"),
        ("{{ event.big }}", "1e+300"),
        ("{{ 1.5 }}", "1.5"),
        ("{{ event.list }}", '[1,"ü\\n",null]'),
        ("{{ event.map }}", '{"a":{},"b":1}'),
        ("{{ {'a': {'b': 1}} }}", '{"a":{"b":1}}'),
        ("{{ {'a': '}}'}.a }}", "}}"),
        ("{{ [] }}{{ {} }}", "[]{}"),
        ("{{ now() }}", "2026-01-31T09:30:00Z"),
        ("{{ duration('90m') }}", "5400s"),
        ("{{ [b'ab', now()] }}", '["YWI=","2026-01-31T09:30:00Z"]'),
        ("{{ type(1) }}", "int"),
    ],
)
def test_values_become_text(text: str, expected: str) -> None:
    assert render(text) == expected


def test_equal_values_give_equal_text() -> None:
    key = compile_key("{{ event }}", NAMES)
    one, other = {"a": [1, {"c": 2, "b": 0}]}, {"a": [1.0, {"b": -0.0, "c": 2.0}]}
    assert key.render({"event": one}, NOW) == key.render({"event": other}, NOW) == '{"a":[1,{"b":0,"c":2}]}'
    assert key.render({"event": math.inf}, NOW) == "inf"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{{ event.id", 'column 12: "}}" is missing'),
        ("{{ event.id }", 'column 13: "}}" is missing'),
        ("a {{ evnt.id }}", 'column 6: unknown name "evnt" (did you mean "event"?)'),
        ("{{ }}", "column 4: the expression is empty"),
        ("{{ 'a }}", "column 4: the text has no closing quote"),
        ("", "column 1: the expression is empty"),
        ("order-{event.id}", 'column 16: unexpected "}"'),
    ],
)
def test_a_fault_says_what_is_wrong_and_where(text: str, message: str) -> None:
    with pytest.raises(InvalidExpression) as raised:
        compile_key(text, NAMES)
    assert str(raised.value) == message


def test_a_key_knows_which_variables_it_uses() -> None:
    assert compile_key("{{ event.id }}-{{ steps.a }}", NAMES).names == {"event", "steps"}
