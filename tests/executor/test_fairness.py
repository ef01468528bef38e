"""A worker serves its functions in turn, whatever each of them has waiting."""

import threading
from typing import Any

import msgspec
import pytest

from apps.executor.drain import Drain
from apps.runner.consume_events import consume_events
from drivers.contract import Call, Outcome
from tests.functions import ScriptedDriver, append, deploy_function, statuses, succeed
from tests.state.items import QUEUE

pytestmark = pytest.mark.django_db

SLOTS = 4
PATIENCE = 20.0


@pytest.fixture
def served(settings: Any, driver: ScriptedDriver) -> list[str]:
    """The functions in the order in which their steps are called, so many at once as there are slots."""
    settings.STEP_SLOTS = SLOTS
    order: list[str] = []
    together = threading.Barrier(SLOTS, timeout=PATIENCE)

    def answer(call: Call) -> Outcome:
        order.append(msgspec.json.decode(call.payload)["ctx"]["fn_id"])
        together.wait()
        return succeed()

    driver.answer = answer
    return order


def queue_up(slug: str, runs: int) -> None:
    append(slug, count=runs)
    consume_events()


def test_more_functions_than_slots_are_served_in_turn(served: list[str]) -> None:
    slugs = [f"fn-{number}" for number in range(12)]
    for slug in slugs:
        deploy_function(slug=slug, event=slug)
    # The last function has the oldest items: age must not decide between functions.
    for slug in reversed(slugs):
        queue_up(slug, SLOTS)
    Drain(QUEUE).run()
    assert statuses() == {"completed": 12 * SLOTS}
    for start in range(0, len(served), 12):
        # As each claim takes what slots are free, turns may shift by those that are not.
        assert set(served[start : start + 12 + SLOTS]) == set(slugs)
        if start + 24 > len(served):
            break


def test_a_backlog_does_not_hold_up_the_first_item_of_another_function(served: list[str]) -> None:
    for slug in ("busy", "quiet"):
        deploy_function(slug=slug, event=slug)
    queue_up("busy", 203)
    queue_up("quiet", 1)
    Drain(QUEUE).run()
    assert served.index("quiet") < SLOTS
