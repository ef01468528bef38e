from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from drivers.retry_after import LONGEST, seconds_to_wait


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        *[("0", 0.0), ("120", 120.0), (" 1.5 ", 1.5), ("999999999", LONGEST), ("9" * 400, None), ("-1", None)],
        *[("soon", None), ("", None), ("nan", None), ("1e9", None), ("\u0661", None), ("Mon, 99 Foo 2026", None)],
    ],
)
def test_seconds_are_taken_and_what_is_odd_is_not(value: str, seconds: float | None) -> None:
    assert seconds_to_wait({"retry-after": value}) == seconds


def test_a_date_is_measured_by_the_answers_own_clock() -> None:
    headers = {"date": "Fri, 01 Jan 1999 00:00:00 GMT", "retry-after": "Fri, 01 Jan 1999 00:01:30 GMT"}
    assert seconds_to_wait(headers) == 90.0


@pytest.mark.parametrize("written", [lambda t: format_datetime(t, usegmt=True), lambda t: t.isoformat()])
def test_a_date_without_a_clock_is_measured_by_ours(written: object) -> None:
    assert callable(written)
    wait = seconds_to_wait({"retry-after": written(datetime.now(UTC) + timedelta(seconds=60))})
    assert wait is not None
    assert 58 < wait <= 60


def test_a_time_past_is_now_and_one_far_off_is_nearer() -> None:
    assert seconds_to_wait({"retry-after": "Fri, 01 Jan 1999 00:00:00 GMT"}) == 0.0
    assert seconds_to_wait({"retry-after": "2999-01-01T00:00:00Z"}) == LONGEST


def test_no_header_is_no_wait() -> None:
    assert seconds_to_wait({}) is None
