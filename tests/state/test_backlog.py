"""What a backlog of 100,000 items costs a claim, a promotion or a batch of events: nothing."""

import pytest

from apps.event_stream.consuming import take_batch
from apps.state import queue
from apps.state.models import LeasedItem, ScheduledItem
from apps.state.scheduling import PROMOTE_AT_ONCE, promote_due
from tests.functions import append
from tests.state.items import QUEUE, add_ready, add_scheduled, add_worker, execute
from tests.state.plans import Explained, Explainer

pytestmark = pytest.mark.django_db

MANY = 100_000
SLOTS = 8
BUSY, QUIET, NEW = 5, 9, 2


@pytest.fixture
def explainer() -> Explainer:
    """The tables are empty, without a trace of what other tests rolled back, and the statistics say so."""
    tables = "state_readyitem, state_leaseditem, state_scheduleditem, event_stream_inbox, event_stream_event"
    execute(f"TRUNCATE {tables}")
    execute(f"ANALYZE {tables}")
    return Explainer()


def rows_of(explained: Explained, table: str) -> int:
    """How many rows of the table were looked at, none of them by walking through all of it."""
    assert "Seq Scan" not in {scan.kind for scan in explained.scans}
    return sum(scan.rows for scan in explained.scans if scan.table == table)


@pytest.mark.parametrize("after", [0, NEW, BUSY, QUIET])
def test_a_backlog_of_one_function_does_not_hold_up_the_first_item_of_another(explainer: Explainer, after: int) -> None:
    worker = add_worker()
    with explainer.watch() as empty:
        assert queue.claim(QUEUE, worker, SLOTS, after) == []
    add_ready(BUSY, MANY)
    add_ready(QUIET, 1)
    add_ready(NEW, 1)
    with explainer.watch() as crowded:
        items = queue.claim(QUEUE, worker, SLOTS, after)
    served = [item.function_id for item in items]
    assert {QUIET, NEW} <= set(served)
    assert 5 <= len(served) <= SLOTS
    assert rows_of(empty[0], "state_readyitem") == 0
    # A probe a function, one at the end of the walk and one for its beginning; then each item that is taken, once found
    # and once deleted.
    assert rows_of(crowded[0], "state_readyitem") <= 3 + 2 + 2 * len(served)
    assert crowded[0].pages < 150


def test_claims_go_on_at_the_same_price_through_a_backlog_of_many_functions(explainer: Explainer) -> None:
    worker = add_worker()
    with explainer.watch():
        queue.claim(QUEUE, worker, SLOTS, 0)
    for function in range(1, 101):
        add_ready(function, MANY // 100)
    after = 0
    for _ in range(5):
        with explainer.watch() as claimed:
            items = queue.claim(QUEUE, worker, SLOTS, after)
        after = queue.last_served(items, after)
        assert rows_of(claimed[0], "state_readyitem") <= 4 * SLOTS + 4
        assert claimed[0].pages < 250
    assert LeasedItem.objects.count() == 5 * SLOTS


def test_a_promotion_looks_only_at_what_is_due(explainer: Explainer) -> None:
    with explainer.watch():
        promote_due()
    add_scheduled(3_600, MANY)
    add_scheduled(-1, 3)
    with explainer.watch() as promoted:
        assert promote_due().total() == 3
    assert rows_of(promoted[0], "state_scheduleditem") == 6
    assert promoted[0].pages < 100
    assert ScheduledItem.objects.count() == MANY


def test_a_promotion_moves_a_bounded_number_the_longest_due_first(explainer: Explainer) -> None:
    with explainer.watch():
        promote_due()
    add_scheduled(-1, PROMOTE_AT_ONCE)
    oldest = add_scheduled(-60, PROMOTE_AT_ONCE)
    with explainer.watch() as promoted:
        assert promote_due() == {QUEUE: PROMOTE_AT_ONCE}
    assert rows_of(promoted[0], "state_scheduleditem") == 2 * PROMOTE_AT_ONCE
    assert not ScheduledItem.objects.filter(id__in=oldest).exists()


def test_a_batch_of_events_looks_only_at_itself(explainer: Explainer) -> None:
    with explainer.watch():
        take_batch(200)
    seqs = append(count=MANY)
    with explainer.watch() as taken:
        assert [event.seq for event in take_batch(200).events] == sorted(seqs)[:200]
    assert rows_of(taken[0], "event_stream_inbox") == 400
    assert rows_of(taken[0], "event_stream_event") == 200


def test_the_look_for_ready_queues_is_one_probe_each(explainer: Explainer) -> None:
    with explainer.watch():
        queue.queues_with_work([QUEUE, "steps.cpu", "steps.docker"])
    add_ready(BUSY, MANY)
    with explainer.watch() as looked:
        assert queue.queues_with_work([QUEUE, "steps.cpu", "steps.docker"]) == [QUEUE]
    assert rows_of(looked[0], "state_readyitem") <= 1
