"""Which items a claim takes: by priority and age within a function, and fair between functions."""

from collections import Counter
from itertools import pairwise

import pytest

from apps.state import queue
from apps.state.models import LeasedItem, ReadyItem
from apps.state.workers import deregister_worker
from tests.state.items import QUEUE, add_ready, add_worker

pytestmark = pytest.mark.django_db


def test_the_oldest_items_of_a_function_go_first() -> None:
    ids = add_ready(1, 5)
    assert {item.id for item in queue.claim(QUEUE, add_worker(), 3, 0)} == set(ids[:3])


def test_a_higher_priority_goes_before_an_older_item() -> None:
    low = add_ready(1, 2, priority=-1)
    plain = add_ready(1, 2)
    high = add_ready(1, 2, priority=5)
    worker = add_worker()
    taken = [queue.claim(QUEUE, worker, 1, 0)[0].id for _ in range(6)]
    assert taken == [*high, *plain, *low]


def test_a_claim_moves_the_item_as_it_is() -> None:
    (item_id,) = add_ready(7, priority=3)
    before: dict[str, object] = {**ReadyItem.objects.values().get()}
    worker = add_worker()
    (item,) = queue.claim(QUEUE, worker, 8, 0)
    after: dict[str, object] = {**LeasedItem.objects.values().get()}
    assert before.pop("since_seq") is None
    assert {name: after[name] for name in before} == before
    assert (after["worker_id"], after["leased_at"]) == (worker, item.leased_at)
    assert item.id == item_id
    assert not ReadyItem.objects.exists()


def test_a_claim_leaves_other_queues_alone() -> None:
    add_ready(1, queue="steps.cpu")
    assert queue.claim(QUEUE, add_worker(), 8, 0) == []
    assert ReadyItem.objects.count() == 1


def test_a_worker_that_was_declared_dead_claims_nothing() -> None:
    add_ready(1)
    worker = add_worker()
    deregister_worker(worker)
    assert queue.claim(QUEUE, worker, 8, 0) == []
    assert ReadyItem.objects.count() == 1


@pytest.mark.parametrize("after", [0, 1, 2, 3, 99])
def test_functions_share_a_claim_evenly_wherever_it_begins(after: int) -> None:
    for function in (1, 2, 3):
        add_ready(function, 50)
    taken = Counter(item.function_id for item in queue.claim(QUEUE, add_worker(), 9, after))
    assert taken == {1: 3, 2: 3, 3: 3}


def test_a_claim_never_takes_more_than_it_asked_for() -> None:
    for function in (1, 2, 3):
        add_ready(function, 50)
    assert len(queue.claim(QUEUE, add_worker(), 8, 0)) == 8


def test_a_claim_begins_after_the_function_that_was_served_last_and_wraps_around() -> None:
    for function in range(1, 6):
        add_ready(function)
    taken = queue.claim(QUEUE, add_worker(), 3, 3)
    assert {item.function_id for item in taken} == {4, 5, 1}


@pytest.mark.parametrize("slots", [1, 2, 3, 8, 16])
def test_more_functions_than_slots_are_all_served_in_turn(slots: int) -> None:
    functions = 20
    # The first functions have the newest items: age must not decide between functions.
    for function in range(functions, 0, -1):
        add_ready(function, 20)
    worker = add_worker()
    served: list[int] = []
    after = 0
    while len(served) < functions * 4:
        items = queue.claim(QUEUE, worker, slots, after)
        after = queue.last_served(items, after)
        served += (item.function_id for item in items)
    waits = {
        function: max(
            (later - earlier for earlier, later in pairwise(n for n, one in enumerate(served) if one == function)),
            default=0,
        )
        for function in range(1, functions + 1)
    }
    assert set(served) == set(waits)
    assert max(waits.values()) <= functions + slots


def test_two_functions_get_as_much_over_claims_of_an_odd_size() -> None:
    add_ready(1, 100)
    add_ready(2, 100)
    worker = add_worker()
    served: Counter[int] = Counter()
    after = 0
    for _ in range(10):
        items = queue.claim(QUEUE, worker, 3, after)
        after = queue.last_served(items, after)
        served.update(item.function_id for item in items)
    assert served == {1: 15, 2: 15}


def test_nothing_ready_is_an_empty_claim() -> None:
    assert queue.claim(QUEUE, add_worker(), 8, 5) == []
