"""What of a condition an index can look for."""

import pytest

from apps.expressions import compile_expression, equalities
from tests.expressions.evaluating import NAMES, NOW


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("async.data.id == event.data.id", [("data.id", "event.data.id")]),
        ("event.data.id == async.data.id", [("data.id", "event.data.id")]),
        ("async.data['order-id'] == 5", [("data.order-id", "5")]),
        ("async.b == 1 && (async.a == 'x') && event.c > 3", [("a", "'x'"), ("b", "1")]),
        ("(async.a == 1 && async.b == 2) && async.c == 3", [("a", "1"), ("b", "2"), ("c", "3")]),
        ("async.a == 1 && async.a == event.a", [("a", "1")]),
        ("async.a == (event.a + 1) && true", [("a", "(event.a + 1)")]),
        ("async.a == async.b", []),
        ("async.a == now()", []),
        ("async.a == string(now_plus('1h'))", []),
        ("async.a == 1 || async.b == 2", []),
        ("async.a != 1", []),
        ("async.a > 1", []),
        ("async == event", []),
        ("async.a[0] == 1", []),
        ("!(async.a == 1)", []),
        ("async.a == event.list.filter(x, x == async.b)", []),
        ("async.a == 1 ? true : false", []),
        ("event.a == 1", []),
        ("[1].all(x, async.a == x)", []),
    ],
)
def test_equalities_of_the_arriving_event_are_found(text: str, expected: list[tuple[str, str]]) -> None:
    found = equalities(compile_expression(text, NAMES), "async")
    assert [(".".join(path), value.text) for path, value in found] == expected


def test_the_value_of_an_equality_can_be_evaluated_without_the_arriving_event() -> None:
    ((path, value),) = equalities(compile_expression("  async.data.id == (event.data.id) && true", NAMES), "async")
    assert path == ("data", "id")
    assert value.names == {"event"}
    assert value.text == "(event.data.id)"
    assert value.evaluate({"event": {"data": {"id": 7}}}, NOW) == 7
