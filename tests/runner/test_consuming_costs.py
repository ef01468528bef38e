"""What a batch of events costs: as many statements and rings for 100 events as for one."""

import pytest

from apps.runner.consume_events import consume_events
from apps.state.wakes import ITEMS_A_WAKE, WAKES_MOST
from tests.functions import Rings, append, deploy_function
from tests.state.counting import statements

pytestmark = pytest.mark.django_db

# Take, triggers, runs with their history, steps with their items, what open waits listen for.
A_BATCH = 5
AN_EMPTY_LOOK = 1


@pytest.fixture
def warm(rings: Rings) -> None:
    """Two functions are live for the event, one of two first steps, and this process has read both."""
    deploy_function({"a": (), "b": ()}, slug="one")
    deploy_function(slug="two")
    append()
    consume_events()
    rings.take()


@pytest.mark.parametrize("events", [1, 10, 100])
@pytest.mark.usefixtures("warm")
def test_a_batch_costs_the_same_however_many_events_it_has(rings: Rings, events: int) -> None:
    append(count=events)
    with statements() as seen:
        assert consume_events() == events
    assert len(seen) == A_BATCH + AN_EMPTY_LOOK, seen
    items = 3 * events
    assert rings.take() == {("executor.drain", "steps"): min(WAKES_MOST, -(-items // ITEMS_A_WAKE))}


@pytest.mark.usefixtures("warm")
def test_events_that_start_nothing_cost_no_more_than_a_look_at_triggers_and_waits(rings: Rings) -> None:
    append("nobody/listens", count=100)
    with statements() as seen:
        assert consume_events() == 100
    assert len(seen) == 3 + AN_EMPTY_LOOK, seen
    assert not rings.take()


@pytest.mark.usefixtures("warm")
def test_batches_beyond_the_limit_cost_a_batch_each(settings: object, rings: Rings) -> None:
    settings.CONSUME_BATCH = 50  # type: ignore[attr-defined]
    append(count=200)
    with statements() as seen:
        assert consume_events() == 200
    assert len(seen) == 4 * A_BATCH + AN_EMPTY_LOOK, seen
    assert rings.take() == {("executor.drain", "steps"): 4 * WAKES_MOST}


def test_an_empty_inbox_costs_one_statement(rings: Rings) -> None:
    with statements() as seen:
        assert consume_events() == 0
    assert len(seen) == AN_EMPTY_LOOK
    assert not rings.take()
