"""What is no expression is refused, with what is wrong and where."""

import pytest

from apps.expressions import MAX_DEPTH, MAX_LENGTH, InvalidExpression, compile_expression
from tests.expressions.evaluating import NAMES, evaluate, fault_of


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "column 1: the expression is empty"),
        ("event.data.n >", "column 15: ends too soon"),
        ("event.data.n = 1", 'column 14: "=" is not an operator (did you mean "=="?)'),
        ("event & event", 'column 7: "&" is not an operator (did you mean "&&"?)'),
        ("event and event", 'column 7: unexpected "and" (did you mean "&&"?)'),
        ("event.data.id == 'a", "column 18: the text has no closing quote"),
        ("event.a ==\n  'a", "line 2, column 3: the text has no closing quote"),
        ("size(event", 'column 11: ")" is missing'),
        ("[1, 2", 'column 6: "]" is missing'),
        ("event #", "column 7: unexpected '#'"),
        ("evnt.data.id", 'column 1: unknown name "evnt" (did you mean "event"?)'),
        ("x == 1", 'column 1: unknown name "x" (there are: async, event, response, steps)'),
        ("[1].all(x, y)", 'column 12: unknown name "y" (there are: x, async, event, response, steps)'),
        ("lower(event.a)", 'column 1: unknown function "lower" (did you mean "lowercase"?)'),
        ("event.a.startswith('x')", 'column 9: unknown function "startswith" (did you mean "startsWith"?)'),
        ("startsWith(event.a, 'x')", "column 1: startsWith() is written x.startsWith()"),
        ("event.int()", "column 7: int() is written int(x)"),
        ("size()", "column 1: size() takes 1 argument, not 0"),
        ("event.a.contains('a', 'b')", "column 9: contains() takes 1 argument, not 2"),
        ("now().getHours('UTC', 1)", "column 7: getHours() takes 0 or 1 arguments, not 2"),
        ("has(event)", "column 1: has() takes one attribute, as in has(event.data.id)"),
        ("event.all(x)", "column 7: all() takes a name for the element and a condition, as in all(x, x > 1)"),
        ("event.all(1, true)", "column 11: the first argument of all() must be a name for the element"),
        (
            "event.map(x)",
            "column 7: map() takes a name for the element and what to make of it, as in map(x, x * 2)",
        ),
        ("event.a.matches('(')", "column 17: not a regular expression: missing ): ("),
        ("if == 1", 'column 1: "if" is a reserved word'),
        ("Message{a: 1}", "column 8: messages are not supported; a map has its keys in quotes"),
        ("9223372036854775808", "column 1: the number does not fit into 64 bits"),
        ("18446744073709551616u", "column 1: the number does not fit into 64 bits"),
        (r"'\q'", "column 2: an escape that means nothing; a backslash itself is written twice"),
        (r"'\ud800'", "column 2: an escape for what is no character"),
        ("event.", "column 7: ends too soon"),
        ("event..a", 'column 7: unexpected "."'),
        ("a" * 50, f'column 1: unknown name "{"a" * 40}…" (there are: async, event, response, steps)'),
    ],
)
def test_a_fault_says_what_is_wrong_and_where(text: str, message: str) -> None:
    assert fault_of(text) == message


def test_a_fault_has_its_parts_as_attributes() -> None:
    with pytest.raises(InvalidExpression) as raised:
        compile_expression("event.a &&\n  evnt.b", NAMES)
    assert (raised.value.line, raised.value.column) == (2, 3)
    assert raised.value.problem == 'unknown name "evnt" (did you mean "event"?)'


def test_an_expression_has_a_greatest_length() -> None:
    assert evaluate("1" + " " * (MAX_LENGTH - 1)) == 1
    assert fault_of("1" + " " * MAX_LENGTH).endswith(f"has {MAX_LENGTH + 1} characters; the limit is {MAX_LENGTH}")


@pytest.mark.parametrize(
    "text",
    [
        "(" * 5_000,
        "[" * 5_000,
        "!" * 9_000 + "true",
        "-" * 9_000 + "1",
        "event" + ".a" * 4_000,
        "1" + "+1" * 4_000,
        "event" + "[0]" * 3_000,
        "true ? 1 : " * 900 + "1",
        "event.map(x, " * 700,
        "string(" * 1_000 + "1" + ")" * 1_000,
    ],
)
def test_an_expression_has_a_greatest_depth(text: str) -> None:
    assert fault_of(text).endswith(f"nested more than {MAX_DEPTH} levels deep")


def test_a_chain_of_conditions_may_be_long() -> None:
    assert evaluate(" && ".join(["event"] * 1_000), True) is True
    assert evaluate(" || ".join(["event"] * 1_000), False) is False
    assert evaluate("(" * (MAX_DEPTH - 1) + "1" + ")" * (MAX_DEPTH - 1)) == 1
