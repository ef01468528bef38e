"""`wait`: how long, or until when, what comes after a step waits."""

from datetime import UTC, datetime

from apps.datastore.definition.durations import DurationTooLong, InvalidDuration, parse_duration
from apps.datastore.definition.expressions import Expressions
from apps.datastore.definition.faults import FaultLog
from apps.datastore.definition.scopes import EDGE_NAMES
from apps.datastore.definition.values import check_text
from apps.expressions import CostExceeded, ExpressionError, InvalidExpression, compile_expression, moment

ANY_TIME = datetime(2026, 1, 1, tzinfo=UTC)
BUDGET = 10_000


def parse_wait(value: object, path: str, log: FaultLog, expressions: Expressions) -> float | str | None:
    """Seconds, or the expression that gives the duration or the time."""
    text = check_text(value, path, log)
    if text is None:
        return None
    try:
        return parse_duration(text)
    except DurationTooLong as fault:
        log.add(path, str(fault))
        return None
    except InvalidDuration:
        pass
    problem = expressions.problem(text, path, log, _compile_wait, EDGE_NAMES)
    if problem is None:
        return text
    log.add(path, problem)
    return None


def _compile_wait(text: str, names: frozenset[str]) -> None:
    """Raises ValueError, also for a constant that is neither a duration nor a time."""
    try:
        expression = compile_expression(text, names)
    except InvalidExpression as fault:
        problem = f'is neither a duration such as "30s", "1h30m" or "2d", nor an expression: {fault}'
        raise ValueError(problem) from None
    if expression.names:
        return
    try:
        moment(expression.evaluate({}, ANY_TIME, BUDGET), ANY_TIME)
    except CostExceeded:
        pass  # it may have a value all the same
    except ExpressionError as fault:
        raise ValueError(f"is an expression that never gives a duration or a time: {fault}") from None
