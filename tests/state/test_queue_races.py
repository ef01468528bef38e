"""Claims, promotions and burials at once: an item is always in one place, and with one worker at most."""

from collections import Counter

import pytest

from apps.state import queue, scheduling
from apps.state.models import LeasedItem, ReadyItem, ScheduledItem, Worker
from apps.state.workers import reclaim_lost
from tests.state.items import LEASE_SECONDS, QUEUE, add_ready, add_scheduled, add_worker, silence
from tests.state.racing import race

pytestmark = pytest.mark.django_db(transaction=True)

RETURNS = 10_000


def test_no_item_is_claimed_twice() -> None:
    total = sum(len(add_ready(function, 700)) for function in (1, 2, 3))
    workers = [add_worker() for _ in range(3)]

    def claimer(worker: int, after: int) -> list[int]:
        return [item.id for item in queue.claim(QUEUE, worker, 4, after)]

    claims = race(
        200,
        *(lambda number, worker=worker: claimer(worker, number % 4) for worker in workers),
    )
    by_worker = {
        worker: [item for claim in mine for item in claim] for worker, mine in zip(workers, claims, strict=True)
    }
    times = Counter(item for items in by_worker.values() for item in items)
    assert set(times.values()) == {1}
    assert len(times) > 1_000
    assert ReadyItem.objects.count() + len(times) == total
    for worker, items in by_worker.items():
        assert set(LeasedItem.objects.filter(worker_id=worker).values_list("id", flat=True)) == set(items)


def test_no_item_is_promoted_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    ids = add_scheduled(-1, 1_500)
    monkeypatch.setattr(scheduling, "PROMOTE_AT_ONCE", 3)

    def promote(_: int) -> int:
        return scheduling.promote_due().total()

    promoted = race(200, promote, promote, promote)
    assert sum(map(sum, promoted)) == len(ids) - ScheduledItem.objects.count()
    assert ReadyItem.objects.count() == len(ids) - ScheduledItem.objects.count()


def test_nothing_is_leased_to_a_worker_that_is_declared_dead_at_the_same_time() -> None:
    rounds = 300
    add_ready(1, rounds)
    workers = [add_worker() for _ in range(rounds)]
    silence(workers[0])

    def claim(number: int) -> int:
        return len(queue.claim(QUEUE, workers[number], 1, 0))

    def bury(number: int) -> int:
        # Both of the round before have ended; its worker is gone.
        left = LeasedItem.objects.filter(worker_id=workers[number - 1]).count()
        reclaim_lost(LEASE_SECONDS, RETURNS)
        if number + 1 < rounds:
            silence(workers[number + 1])
        return left

    claimed, left = race(rounds, claim, bury, spread=0.003)
    assert not Worker.objects.exists()
    assert sum(left) == 0
    # Whoever came first: what was claimed has been returned, what was not has stayed.
    assert not LeasedItem.objects.exists()
    assert ReadyItem.objects.count() == rounds
    assert sum(ReadyItem.objects.values_list("returns", flat=True)) == sum(claimed)


def test_two_burials_at_once_return_an_item_once() -> None:
    rounds = 100
    add_ready(1, rounds)
    workers = [add_worker() for _ in range(rounds)]
    for worker in workers:
        queue.claim(QUEUE, worker, 1, 0)
    silence(workers[0])

    def bury(number: int) -> None:
        reclaim_lost(LEASE_SECONDS, RETURNS)

    def bury_and_go_on(number: int) -> None:
        bury(number)
        if number + 1 < rounds:
            silence(workers[number + 1])

    race(rounds, bury_and_go_on, bury)
    reclaim_lost(LEASE_SECONDS, RETURNS)
    assert Counter(ReadyItem.objects.values_list("returns", flat=True)) == {1: rounds}


def test_a_lease_is_given_back_or_finished_but_never_both() -> None:
    rounds = 300
    add_ready(1, rounds)
    workers = [add_worker() for _ in range(rounds)]
    items = [queue.claim(QUEUE, worker, 1, 0)[0].id for worker in workers]

    def give_back(number: int) -> bool:
        return bool(queue.give_back(workers[number]))

    def finish(number: int) -> bool:
        return bool(queue.finish([(items[number], workers[number])]))

    returned, finished = race(rounds, give_back, finish)
    assert [one != other for one, other in zip(returned, finished, strict=True)] == [True] * rounds
    assert ReadyItem.objects.count() == sum(returned)
    assert not LeasedItem.objects.exists()
