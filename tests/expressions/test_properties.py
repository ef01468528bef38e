"""What holds for every expression and every event."""

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from apps.expressions import (
    ExpressionError,
    InvalidExpression,
    Value,
    compile_expression,
    compile_key,
    equalities,
    hash_values,
    look_up,
    moment,
)
from apps.expressions.comparing import equal
from apps.expressions.cost import DEFAULT_BUDGET, Frame
from tests.expressions.evaluating import NAMES, NOW
from tests.expressions.made_up import AT_LEISURE, events, noise, texts, values

NAMES_AND_X = NAMES | {"x"}


@AT_LEISURE
@given(noise)
def test_any_text_is_an_expression_or_refused(text: str) -> None:
    for read in (compile_expression, compile_key):
        assert _fault(read, text).isprintable()


def _fault(read: Callable[[str, frozenset[str]], object], text: str) -> str:
    try:
        read(text, NAMES)
    except InvalidExpression as fault:
        return str(fault)
    return ""


@AT_LEISURE
@given(texts, events, events, st.integers(0, 1_000) | st.just(DEFAULT_BUDGET))
def test_evaluating_gives_a_value_or_an_expression_error(text: str, event: Value, arriving: Value, budget: int) -> None:
    try:
        expression = compile_expression(text, NAMES_AND_X)
    except InvalidExpression:
        return
    variables = {"event": event, "async": arriving, "x": 1}
    # What came out can be told from other values, waited for, and written down.
    with suppress(ExpressionError):
        value = expression.evaluate(variables, NOW, budget)
        hash_values([value])
        assert _outcome(lambda: moment(value, NOW))
        assert _outcome(lambda: compile_key("{{ x }}", NAMES_AND_X).render({"x": value}, NOW))


@AT_LEISURE
@given(texts, events)
def test_evaluating_is_repeatable_and_leaves_the_event_as_it_is(text: str, event: Value) -> None:
    with suppress(InvalidExpression):
        expression = compile_expression(text, NAMES_AND_X)
        before = repr(event)
        outcomes = [_outcome(lambda: expression.evaluate({"event": event}, NOW)) for _ in range(2)]
        assert outcomes[0] == outcomes[1]
        assert repr(event) == before


def _outcome(evaluate: Callable[[], Value]) -> str:
    try:
        return repr(evaluate())
    except ExpressionError as error:
        message = str(error)
        return message if message.isprintable() else ""


@AT_LEISURE
@given(values, values)
def test_equal_values_have_equal_hashes(one: Value, other: Value) -> None:
    frame = Frame(DEFAULT_BUDGET, NOW, [])
    assert equal(frame, one, other) is equal(frame, other, one)
    if equal(frame, one, other):
        assert hash_values([one]) == hash_values([other]) is not None


@AT_LEISURE
@given(values)
def test_a_value_equals_itself_in_other_number_types_or_has_no_hash(value: Value) -> None:
    frame = Frame(DEFAULT_BUDGET, NOW, [])
    other = _with_other_numbers(value)
    assert hash_values([value]) == hash_values([other])
    assert equal(frame, value, other) is (hash_values([value]) is not None)


def _with_other_numbers(value: Value) -> Value:
    if isinstance(value, list):
        return [_with_other_numbers(one) for one in value]
    if isinstance(value, dict):
        return {key: _with_other_numbers(one) for key, one in reversed(value.items())}
    if type(value) is int and abs(value) < 2**53:
        return float(value)
    if type(value) is float and value.is_integer() and abs(value) < 2**63:
        return int(value)
    return value


@AT_LEISURE
@given(texts, texts, events, events)
def test_an_equality_holds_where_the_whole_condition_does(left: str, right: str, event: Value, arriving: Value) -> None:
    text = f"({left}) == async.a && async.b == ({right}) && event.c == async.c"
    try:
        expression = compile_expression(text, NAMES)
    except InvalidExpression:
        return
    variables = {"event": event, "async": arriving}
    try:
        assume(expression.test(variables, NOW))
    except ExpressionError:
        return
    for path, value in equalities(expression, "async"):
        expected = value.evaluate({"event": event}, datetime(2000, 1, 1, tzinfo=UTC))
        assert hash_values([look_up(arriving, path)]) == hash_values([expected]) is not None


@AT_LEISURE
@given(events)
def test_an_equality_of_like_values_is_found(event: Value) -> None:
    expression = compile_expression("async.a == event.a && event.b == async.b", NAMES)
    variables = {"event": event, "async": event}
    found = equalities(expression, "async")
    hashes = [
        (hash_values([value.evaluate({"event": event}, NOW)]), hash_values([look_up(event, path)]))
        for path, value in found
    ]
    assert all(one == other for one, other in hashes)
    assert expression.test(variables, NOW) is all(one is not None for one, _ in hashes)


@pytest.mark.parametrize("depth", [100, 1_000, 10_000])
def test_the_callers_own_depth_is_no_matter(depth: int) -> None:
    expression = compile_expression("(" * 98 + "event" + " + 1)" * 98, NAMES)

    def call(levels: int) -> Value:
        return call(levels - 1) if levels else _outcome(lambda: expression.evaluate({"event": 1}, NOW))

    with suppress(RecursionError):  # the caller's own
        assert call(depth) in ("99", "nested too deeply")
