"""How long a failed step waits."""

from typing import Any

import pytest

from apps.executor.backoff import DELAYS, JITTER, delay_after


@pytest.fixture(autouse=True)
def full_scale(settings: Any) -> None:
    settings.RETRY_SCALE = 1.0


TABLE = (15, 30, 60, 120, 300, 600, 1_200, 2_400, 3_600, 7_200)


@pytest.mark.parametrize(("attempt", "least"), list(enumerate(TABLE, 1)))
def test_the_delay_after_each_attempt_is_that_of_the_table_and_up_to_30_seconds(attempt: int, least: int) -> None:
    delays = [delay_after(attempt) for _ in range(200)]
    assert least <= min(delays)
    assert max(delays) <= least + 30
    assert max(delays) - min(delays) > JITTER / 2, "what failed together would come back together"


def test_the_last_delay_holds_from_there_on() -> None:
    assert DELAYS[-1] <= delay_after(19) <= DELAYS[-1] + JITTER


def test_the_setting_scales_the_delay_and_its_jitter(settings: Any) -> None:
    settings.RETRY_SCALE = 0.01
    assert 0.15 <= delay_after(1) <= 0.45
    settings.RETRY_SCALE = 0.0
    assert delay_after(5) == 0


def test_what_the_other_side_asked_for_stands_as_it_is(settings: Any) -> None:
    settings.RETRY_SCALE = 0.01
    assert delay_after(1, 120) == 120
    assert delay_after(3, 0) == 0
