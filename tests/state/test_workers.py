"""Who lives, who has fallen silent, and what becomes of the leases of the dead."""

import pytest

from apps.state import queue
from apps.state.models import History, LeasedItem, ReadyItem, Worker
from apps.state.workers import deregister_worker, reclaim_lost, register_worker, renew
from tests.state.items import LEASE_SECONDS, QUEUE, add_ready, add_worker, silence

pytestmark = pytest.mark.django_db


def test_a_worker_that_beats_keeps_its_leases() -> None:
    add_ready(1)
    worker = add_worker()
    queue.claim(QUEUE, worker, 1, 0)
    silence(worker)
    assert renew(worker)
    assert reclaim_lost(60, 5).queues == set()
    assert LeasedItem.objects.get().worker_id == worker


def test_a_silent_worker_is_declared_dead_and_its_items_are_ready_again() -> None:
    add_ready(1, 2, priority=3)
    worker = add_worker()
    queue.claim(QUEUE, worker, 2, 0)
    silence(worker)
    assert reclaim_lost(LEASE_SECONDS, 5).queues == {QUEUE}
    assert not Worker.objects.exists()
    assert list(ReadyItem.objects.values_list("returns", "priority", "attempt")) == [(1, 3, 1)] * 2
    assert not renew(worker)
    assert set(History.objects.values_list("kind", "reason")) == {("step.returned", "its worker was gone (1 of 5)")}


def test_a_living_worker_is_not_touched_when_another_dies() -> None:
    add_ready(1, 2)
    living, dead = add_worker(), add_worker()
    queue.claim(QUEUE, living, 1, 0)
    queue.claim(QUEUE, dead, 1, 0)
    silence(dead)
    reclaim_lost(LEASE_SECONDS, 5)
    assert LeasedItem.objects.get().worker_id == living
    assert Worker.objects.get().pk == living


def test_what_a_worker_that_ended_still_held_goes_back() -> None:
    add_ready(1)
    worker = add_worker()
    queue.claim(QUEUE, worker, 1, 0)
    deregister_worker(worker)
    assert reclaim_lost(LEASE_SECONDS, 5).queues == {QUEUE}


def test_an_item_that_came_back_too_often_is_worn_out_and_stays_until_its_step_has_failed() -> None:
    add_ready(1)
    for returns in range(1, 5):
        worker = add_worker()
        queue.claim(QUEUE, worker, 1, 0)
        silence(worker)
        reclaimed = reclaim_lost(LEASE_SECONDS, 5)
        assert reclaimed.worn_out == []
        assert ReadyItem.objects.get().returns == returns
    worker = add_worker()
    (item,) = queue.claim(QUEUE, worker, 1, 0)
    silence(worker)
    assert reclaim_lost(LEASE_SECONDS, 5).worn_out == [(item, worker)]
    assert reclaim_lost(LEASE_SECONDS, 5).worn_out == [(item, worker)]
    assert not ReadyItem.objects.exists()


def test_burying_twice_changes_nothing_more() -> None:
    add_ready(1)
    worker = add_worker()
    queue.claim(QUEUE, worker, 1, 0)
    silence(worker)
    reclaim_lost(LEASE_SECONDS, 5)
    assert reclaim_lost(LEASE_SECONDS, 5) == (set(), [])
    assert ReadyItem.objects.get().returns == 1


def test_a_worker_says_which_queues_it_serves() -> None:
    worker = Worker.objects.get(pk=register_worker("host:1", ["steps", "events"]))
    assert worker.queues == "events,steps"
