"""What the tests of expressions share."""

from datetime import UTC, datetime

import pytest

from apps.expressions import ExpressionError, InvalidExpression, Value, compile_expression

NAMES = frozenset({"event", "steps", "response", "async"})
NOW = datetime(2026, 1, 31, 9, 30, tzinfo=UTC)


def evaluate(text: str, event: Value = None, **variables: Value) -> Value:
    return compile_expression(text, NAMES).evaluate({"event": event, **variables}, NOW)


def error_of(text: str, event: Value = None) -> str:
    with pytest.raises(ExpressionError) as raised:
        evaluate(text, event)
    message = str(raised.value)
    assert "\n" not in message
    return message


def fault_of(text: str) -> str:
    with pytest.raises(InvalidExpression) as raised:
        compile_expression(text, NAMES)
    message = str(raised.value)
    assert "\n" not in message
    return message
