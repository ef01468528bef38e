"""Leases end, go back and stay with their worker."""

import pytest

from apps.state import queue
from apps.state.models import LeasedItem, ReadyItem, ScheduledItem
from apps.state.scheduling import PROMOTE_AT_ONCE, promote_due
from tests.functions import append
from tests.state.items import QUEUE, add_ready, add_scheduled, add_worker

pytestmark = pytest.mark.django_db


def test_a_lease_is_finished_once() -> None:
    add_ready(1)
    worker = add_worker()
    (item,) = queue.claim(QUEUE, worker, 1, 0)
    assert queue.finish([(item.id, worker)]) == {(item.id, worker)}
    assert queue.finish([(item.id, worker)]) == set()
    assert not LeasedItem.objects.exists()


def test_a_worker_finishes_only_what_it_leased_itself() -> None:
    add_ready(1, 2)
    mine, other = add_worker(), add_worker()
    (ours,) = queue.claim(QUEUE, mine, 1, 0)
    (theirs,) = queue.claim(QUEUE, other, 1, 0)
    assert queue.finish([(ours.id, mine), (theirs.id, mine)]) == {(ours.id, mine)}
    assert LeasedItem.objects.get().pk == theirs.id


def test_what_a_worker_gives_back_is_ready_as_it_was() -> None:
    add_ready(1, priority=4)
    before = ReadyItem.objects.values().get()
    worker = add_worker()
    (item,) = queue.claim(QUEUE, worker, 1, 0)
    assert queue.give_back(worker) == {QUEUE}
    assert ReadyItem.objects.values().get() == {**before, "since_seq": item.since_seq}


def test_a_step_listens_from_its_first_claim_on_however_often_it_comes_back() -> None:
    add_ready(1)
    worker = add_worker()
    (first,) = queue.claim(QUEUE, worker, 1, 0)
    queue.give_back(worker)
    append()
    (again,) = queue.claim(QUEUE, worker, 1, 0)
    assert again.since_seq == first.since_seq


def test_a_worker_gives_back_what_it_does_not_keep() -> None:
    add_ready(1, 3)
    worker, other = add_worker(), add_worker()
    kept, _ = queue.claim(QUEUE, worker, 2, 0)
    queue.claim(QUEUE, other, 1, 0)
    queue.give_back(worker, keep=[kept.id])
    assert ReadyItem.objects.count() == 1
    assert set(LeasedItem.objects.values_list("worker_id", flat=True)) == {worker, other}


def test_a_worker_gives_back_one_queue_and_goes_on_with_another() -> None:
    add_ready(1)
    add_ready(1, queue="steps.cpu")
    worker = add_worker()
    queue.claim(QUEUE, worker, 1, 0)
    queue.claim("steps.cpu", worker, 1, 0)
    assert queue.give_back(worker, QUEUE) == {QUEUE}
    assert LeasedItem.objects.get().queue == "steps.cpu"


def test_giving_back_nothing_rings_for_nothing() -> None:
    assert queue.give_back(add_worker()) == set()


def test_queues_with_work_are_those_with_ready_items() -> None:
    add_ready(1)
    add_scheduled(60)
    assert queue.queues_with_work([QUEUE, "steps.cpu"]) == [QUEUE]
    assert queue.queues_with_work([]) == []


def test_only_what_is_due_is_promoted() -> None:
    later = add_scheduled(60, 2)
    due = add_scheduled(-1, 3)
    assert promote_due() == {QUEUE: 3}
    assert set(ReadyItem.objects.values_list("id", flat=True)) == set(due)
    assert set(ScheduledItem.objects.values_list("id", flat=True)) == set(later)
    assert promote_due() == {}


def test_a_promotion_is_bounded() -> None:
    add_scheduled(-1, PROMOTE_AT_ONCE + 1)
    assert promote_due() == {QUEUE: PROMOTE_AT_ONCE}
    assert promote_due() == {QUEUE: 1}
