"""What an expression gives, mostly where it differs from the specification."""

import math

import pytest

from apps.expressions import Value, compile_expression, look_up
from tests.expressions.evaluating import NAMES, NOW, error_of, evaluate

EVENT: dict[str, Value] = {
    "name": "user/signed.up",
    "data": {"id": "a1", "n": 5, "price": 2.5, "tags": ["new", "eu"], "none": None, "order-id": 7, "in": 1},
}


@pytest.mark.parametrize(
    "text",
    [
        "event.data.missing",
        "event.data.missing.below.it",
        "event.data.none.below",
        "event.data.id.below",
        "event.data.tags.below",
        "event.data['missing']['below'][0]",
        "event.data.tags[2]",
        "event.data.tags[-1]",
        "event.data.tags[event.data.missing]",
        "event.data[1]",
        "steps.send.status",
        "response",
    ],
)
def test_what_is_missing_is_null(text: str) -> None:
    assert evaluate(text, EVENT) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("has(event.data.id)", True),
        ("has(event.data.none)", True),
        ("has(event.data.missing)", False),
        ("has(event.data.missing.below)", False),
        ("has(event.data.id.below)", False),
        ("event.data.`order-id`", 7),
        ("event.data['order-id']", 7),
        ("event.data.in", 1),
        (".event.data.n", 5),
        ("event.data.tags[1.0]", "eu"),
    ],
)
def test_attributes_are_found(text: str, expected: Value) -> None:
    assert evaluate(text, EVENT) == expected


@pytest.mark.parametrize(
    "text",
    [
        "event.data.missing > 3",
        "event.data.missing < event.data.missing",
        "event.data.id >= 3",
        "event.data.id == 5",
        "true == 1",
        "1 == true",
        "0 == false",
        "event.data == []",
        "'5' == event.data.n",
        "type(1) == 'int'",
        "'int' == type(1)",
        "b'a' == 'a'",
        "true in [1, 0]",
        "1 in [true]",
        "[true] == [1]",
        "{'a': true} == {'a': 1}",
        "'a' in event.data.missing",
        "'e' in 'event'",
        "event.data.missing in event.data.tags",
    ],
)
def test_unlike_types_are_unequal_and_in_no_order(text: str) -> None:
    assert evaluate(text, EVENT) is False


@pytest.mark.parametrize(
    "text",
    [
        "1 == 1.0 && 1u == 1 && 1.0 == 1u",
        "event.data.n > 4.5",
        "[1, 2.0] == [1.0, 2u]",
        "{'a': [1]} == {'a': [1.0]}",
        "{1: 'a'} == {1u: 'a'}",
        "5.0 in [event.data.n]",
        "'eu' in event.data.tags && 'id' in event.data",
        "{1: 'x'}[1.0] == 'x' && {true: 'y', 2: 'z'}[true] == 'y'",
        "9007199254740993 != 9007199254740992.0",
        "event.data.missing == event.data.none",
        "event.data.missing != 3",
        "double('nan') != double('nan')",
    ],
)
def test_numbers_compare_whatever_their_type(text: str) -> None:
    assert evaluate(text, EVENT) is True


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("!event.data.missing", True),
        ("event.data.missing && true", False),
        ("event.data.missing || true", True),
        ("event.data.missing || false", False),
        ("event.data.missing ? 1 : 2", 2),
        ("(1 / 0 > 1) || true", True),
        ("true || (1 / 0 > 1)", True),
        ("(1 / 0 > 1) && false", False),
        ("'text' && false", False),
        ("[1, 'a'].exists(x, x / 1 == 1)", True),
        ("[1, 'a'].all(x, x / 1 == 2)", False),
        ("event.data.missing.exists(x, x == 1)", False),
        ("event.data.missing.all(x, x == 1)", True),
        ("event.data.missing.map(x, x)", []),
        ("event.data.tags.exists_one(x, x == 'eu')", True),
        ("event.data.tags.map(x, x != 'new', x + '!')", ["eu!"]),
        ("event.data.tags.filter(event, event == 'eu')", ["eu"]),
        ("[1].map(a, [2].map(b, [3].map(a, a + b)))", [[[5]]]),
        ("{'b': 1}.map(k, k)", ["b"]),
    ],
)
def test_null_counts_as_false_and_a_decided_condition_has_no_errors(text: str, expected: Value) -> None:
    assert evaluate(text, EVENT) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("event.data.n / 2", 2),
        ("-7 / 2", -3),
        ("-7 % 2", -1),
        ("event.data.n / 2.0", 2.5),
        ("event.data.price * 2", 5.0),
        ("1u + 1", 2.0),
        ("1.0 / 0.0", math.inf),
        ("-9223372036854775808", -(2**63)),
        ("0x1F", 31),
        ("'a' + 'b' + event.data.id", "aba1"),
        ("[1] + [2]", [1, 2]),
    ],
)
def test_numbers_of_unlike_types_meet_as_doubles(text: str, expected: Value) -> None:
    result = evaluate(text, EVENT)
    assert result == expected
    assert type(result) is type(expected)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1 / 0", "division by zero"),
        ("5 % 0", "modulus by zero"),
        ("9223372036854775807 + 1", "overflow: the number does not fit into 64 bits"),
        ("-(-9223372036854775808)", "overflow: the number does not fit into 64 bits"),
        ("1u - 2u", "overflow: the number does not fit into 64 unsigned bits"),
        ("'a' + 1", "no such overload: string + int"),
        ("event.data.missing + 1", "no such overload: null + int"),
        ("-'a'", "no such overload: -string"),
        ("5.5 % 2", "no such overload: double % double"),
        ("[1] < [2]", "no such overload: list < list"),
        ("1 || false", "a condition must be true or false, not int"),
        ("'yes' ? 1 : 2", "a condition must be true or false, not string"),
        ("[1, 2][0.5]", "the index of a list must be a whole number"),
        ("{'a': 1, 'a': 2}", "a map has the same key twice"),
        ("{1.5: 1}", "a map's key must be text, a whole number, true or false, not double"),
        ("{1: 1, true: 2}", "a map cannot have both a number and a bool that stands for it as keys"),
        ("'abc'.all(x, x == 'a')", "all() goes through a list or a map, not string"),
        ("[1, 'a'].map(x, x + 1)", "no such overload: string + int"),
    ],
)
def test_an_error_says_what_is_wrong(text: str, message: str) -> None:
    assert error_of(text, EVENT) == message


@pytest.mark.parametrize(
    ("value", "holds"), [(True, True), (False, False), (None, False)], ids=["true", "false", "null"]
)
def test_a_condition_holds_if_it_is_true(value: Value, holds: bool) -> None:
    assert compile_expression("event", NAMES).test({"event": value}, NOW) is holds


@pytest.mark.parametrize("value", [1, "true", [], 0.0])
def test_a_condition_that_is_neither_true_nor_false_is_an_error(value: Value) -> None:
    with pytest.raises(Exception, match="a condition must be true or false"):
        compile_expression("event", NAMES).test({"event": value}, NOW)


def test_an_expression_knows_which_variables_it_uses() -> None:
    expression = compile_expression("async.id == event.id && [1].exists(steps, steps == 1)", NAMES)
    assert expression.names == {"async", "event"}
    assert expression.text == "async.id == event.id && [1].exists(steps, steps == 1)"


def test_the_same_text_is_compiled_once() -> None:
    assert compile_expression("event.data.id", NAMES) is compile_expression("event.data.id", frozenset(NAMES))


def test_looking_up_sees_what_an_expression_sees() -> None:
    assert look_up(EVENT, ("data", "id")) == "a1"
    assert look_up(EVENT, ("data", "id", "below")) is None
    assert look_up(EVENT, ()) is EVENT
