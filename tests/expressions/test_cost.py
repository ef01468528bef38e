"""No expression works for long, whatever it says and whatever the event: counted, not timed."""

import tracemalloc

import pytest

from apps.expressions import CostExceeded, Value, compile_expression, compile_key, read_json
from tests.expressions.evaluating import NAMES, NOW

SIZE = 1 << 19
EVENT: dict[str, Value] = {
    "text": "a" * SIZE,
    "other": "a" * (SIZE - 1) + "b",
    "wide": "\U0001f600" * (SIZE // 4),
    "numbers": [0] * (SIZE // 2),
    "texts": ["ab"] * (SIZE // 5),
    "lists": [[]] * (SIZE // 3),
    "maps": [{"a": 1}] * (SIZE // 8),
    "map": {str(number): number for number in range(40_000)},
    "deep": read_json("[" * 20_000 + "]" * 20_000),
    "thousand": [0] * 1_000,
    "long": ["a" * 500] * 1_000,
    "digits": "1" * SIZE,
    "bad": "((a{1000}){1000}){1000}",
    "patterns": [f"a{{{number % 1_000}}}b{{{number // 30}}}" for number in range(20_000)],
    "zones": [f"Europe/Nowhere{number}" for number in range(20_000)],
}
A_MILLION_TIMES = "event.thousand.map(x, event.thousand.map(y, {}))"


def evaluate(text: str, budget: int | None = None) -> Value:
    expression = compile_expression(text, NAMES)
    if budget is None:
        return expression.evaluate({"event": EVENT}, NOW)
    return expression.evaluate({"event": EVENT}, NOW, budget)


@pytest.mark.parametrize(
    "work",
    [
        "y",
        "[y]",
        "{'a': y}",
        "y + 1",
        "y == 0 && x == 0",
        "(1 + 'a') || true",
        "event.text == event.other",
        "event.text < event.other",
        "event.text.contains('aaab')",
        "event.text.startsWith(event.other)",
        "event.text.endsWith(event.other)",
        "event.text.matches('b$')",
        "event.text.matches('(?:a?){100}a{100}c')",
        "'a'.matches('b')",
        "'a'.matches(event.bad) || true",
        "event.text + event.other",
        "'ab' + 'cd'",
        "event.numbers + event.numbers",
        "event.map == event.map",
        "event.maps == event.maps",
        "event.lists == event.lists",
        "event.deep == event.deep",
        "'x' in event.texts",
        "1.5 in event.numbers",
        "event.long[0] in event.long",
        "event.map[true]",
        "lowercase(event.wide)",
        "uppercase('ß')",
        "bytes(event.wide)",
        "string(bytes(event.text))",
        "int(event.digits) == 1 || true",
        "double(event.digits) == 1 || true",
        "timestamp('2026-01-01T00:00:00Z')",
        "string(now())",
        "duration('1h1h1h1h1h1h1h1h1h1h1h1h1h')",
        "now().getHours('Europe/Paris')",
    ],
)
def test_what_is_done_a_million_times_costs_too_much(work: str) -> None:
    with pytest.raises(CostExceeded, match="the expression costs more than its budget allows"):
        evaluate(A_MILLION_TIMES.format(work))


@pytest.mark.parametrize(
    "text",
    [
        "event.text.matches('(?:a?){200}a{200}c')",
        "event.patterns.map(pattern, 'x'.matches(pattern))",
        "event.zones.map(zone, now().getHours(zone) == 1 || true)",
        "event.numbers.exists(x, x + 'a')",
        "event.numbers.map(x, x).map(x, x).map(x, x)",
        "event.map.map(x, event.map.map(y, event.map[y]))",
        f"[{'0, ' * 20}].map(x, event.text){'.map(x, x + x)' * 5}",
    ],
)
def test_one_great_piece_of_work_costs_too_much(text: str) -> None:
    with pytest.raises(CostExceeded):
        evaluate(text)


def test_text_that_doubles_takes_little_memory() -> None:
    expression = compile_expression(f"['a']{'.map(x, x + x)' * 60}", NAMES)
    tracemalloc.start()
    try:
        with pytest.raises(CostExceeded):
            expression.evaluate({}, NOW)
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
    finally:
        tracemalloc.stop()


def test_a_great_event_may_be_looked_through_once() -> None:
    assert evaluate("event.texts.all(x, x == 'ab')") is True
    assert evaluate("event.text == event.other || 'x' in event.texts || event.map.exists(key, key == '39999')") is True
    assert evaluate("event.text.contains('b') || event.other.matches('b$')") is True


@pytest.mark.parametrize(
    ("text", "cost"),
    [
        ("1", 1),
        ("event.data.id", 3),
        ("event.data.id == 'a'", 5),
        ("async.data.id == event.data.id && event.data.n > 3", 13),
        ("true ? 1 : 2", 4),
        ("[1, 2].all(x, x > 0)", 4 + 2 + 2 * 4),
        ("size('a')", 6),
    ],
)
def test_the_budget_counts_nodes(text: str, cost: int) -> None:
    evaluate(text, cost)
    with pytest.raises(CostExceeded):
        evaluate(text, cost - 1)


def test_too_great_a_cost_is_not_absorbed() -> None:
    for text in ("event.numbers.all(x, x == 0) || true", "[1].exists(x, event.numbers.all(y, y == 0)) || true"):
        with pytest.raises(CostExceeded):
            evaluate(text, 1_000)


def test_a_key_has_one_budget_for_all_its_parts() -> None:
    key = compile_key("{{ event.numbers }}{{ event.lists }}", NAMES)
    with pytest.raises(CostExceeded):
        key.render({"event": EVENT}, NOW)
    with pytest.raises(CostExceeded):
        compile_key("{{ event.text }}" * 20, NAMES).render({"event": EVENT}, NOW)
