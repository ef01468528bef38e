"""What the expression of a wait means."""

from datetime import UTC, datetime, timedelta

import pytest

from apps.expressions import ExpressionError, Value, moment
from tests.expressions.evaluating import NOW


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (timedelta(hours=1), NOW + timedelta(hours=1)),
        (datetime(2027, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)),
        (90, NOW + timedelta(seconds=90)),
        (1.5, NOW + timedelta(seconds=1.5)),
        (-5, NOW - timedelta(seconds=5)),
        ("24h", NOW + timedelta(days=1)),
        ("2d", NOW + timedelta(days=2)),
        ("2027-01-01", datetime(2027, 1, 1, tzinfo=UTC)),
        ("2027-01-01T10:00:00+02:00", datetime(2027, 1, 1, 8, tzinfo=UTC)),
    ],
)
def test_a_wait_is_over_at(value: Value, expected: datetime) -> None:
    assert moment(value, NOW) == expected


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (None, "a wait must be a duration, a time or a number of seconds, not null"),
        (True, "a wait must be a duration, a time or a number of seconds, not bool"),
        ([], "a wait must be a duration, a time or a number of seconds, not list"),
        ("soon", 'not a duration such as "30s", "1h30m" or "2d" (units: ns us ms s m h d w)'),
        ("2027-13-01", 'not a date such as "2026-01-31" or "2026-01-31T09:30:00Z"'),
        (timedelta(days=3_000_000), "overflow: the time is out of range"),
        (1e300, "overflow: the duration is out of range"),
        (float("nan"), "overflow: the duration is out of range"),
        (2**63 - 1, "overflow: the duration is out of range"),
    ],
)
def test_what_is_no_moment_is_an_error(value: Value, message: str) -> None:
    with pytest.raises(ExpressionError) as raised:
        moment(value, NOW)
    assert str(raised.value) == message
