"""The specification's own cases: every one passes, or is named with the reason why not."""

import pytest

from apps.expressions import ExpressionError, InvalidExpression, compile_expression
from tests.expressions.conformance_cases import Case, is_same, read_cases, read_deviations
from tests.expressions.evaluating import NOW

CASES = list(read_cases())
DEVIATIONS = read_deviations()


def passes(case: Case) -> bool:
    try:
        expression = compile_expression(case.expression, frozenset(case.bindings))
        value = expression.evaluate(case.bindings, NOW)
    except (InvalidExpression, ExpressionError):
        return case.fails
    return not case.fails and is_same(value, case.value)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_a_case_passes_unless_it_is_a_known_deviation(case: Case) -> None:
    assert passes(case) is not (case.id in DEVIATIONS)


def test_every_deviation_is_of_a_case() -> None:
    assert len({case.id for case in CASES}) == len(CASES)
    assert DEVIATIONS.keys() <= {case.id for case in CASES}
