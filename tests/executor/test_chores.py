"""Beat's chores: they do what is due, in bounded batches, and doing them twice does no harm."""

from typing import Any

import msgspec
import pytest

from apps.executor.chores.reclaim_leases import reclaim_leases
from apps.executor.chores.wake_due import WAKES, wake_due
from apps.state import scheduling
from apps.state.models import History, Pulse, ReadyItem, Run, Step
from apps.state.workers import register_worker
from tests.executor.finishing import lease, start
from tests.functions import Rings, left_over, statuses
from tests.state.counting import statements
from tests.state.items import LEASE_SECONDS, QUEUE, add_ready, add_scheduled, add_worker, execute, silence

pytestmark = pytest.mark.django_db


@pytest.fixture
def deaths(settings: Any) -> None:
    settings.LEASE_SECONDS = LEASE_SECONDS
    settings.LEASE_MAX_RETURNS = 2


def test_what_is_due_is_woken_in_bounded_batches_and_rung_for(monkeypatch: pytest.MonkeyPatch, rings: Rings) -> None:
    monkeypatch.setattr(scheduling, "PROMOTE_AT_ONCE", 10)
    monkeypatch.setattr("apps.executor.chores.wake_due.PROMOTE_AT_ONCE", 10)
    add_worker()
    add_scheduled(-1, 25)
    with statements() as seen:
        wake_due()
    assert ReadyItem.objects.count() == 25
    assert sum("state_scheduleditem" in statement for statement in seen) == 3
    assert rings.take()["executor.drain", QUEUE] >= WAKES
    assert Pulse.objects.get().chore == "wake_due"


def test_what_is_ready_and_unclaimed_is_rung_for_again_and_again(rings: Rings) -> None:
    add_worker()
    add_ready(1)
    for _ in range(2):
        wake_due()
        assert rings.take() == {("executor.drain", QUEUE): WAKES}


def test_a_queue_that_nobody_serves_is_not_rung_for(rings: Rings) -> None:
    register_worker("events only", ["events"])
    add_ready(1, queue="steps.cpu")
    wake_due()
    assert not rings.take()


def test_when_nothing_is_due_nobody_is_rung_for(rings: Rings) -> None:
    add_worker()
    add_scheduled(60)
    wake_due()
    assert not rings.take()


@pytest.mark.usefixtures("deaths")
def test_what_a_dead_worker_held_is_ready_again_and_rung_for(rings: Rings) -> None:
    start()
    worker = add_worker()
    lease(worker)
    silence(worker)
    rings.take()
    reclaim_leases()
    assert rings.take() == {("executor.drain", QUEUE): 1}
    reclaim_leases()
    assert not rings.take()
    assert ReadyItem.objects.get().returns == 1


@pytest.mark.usefixtures("deaths")
def test_a_worn_out_item_fails_its_step_and_says_why() -> None:
    start({"a": (), "b": ()})
    for _ in range(2):
        worker = add_worker()
        assert len(lease(worker)) == 2
        silence(worker)
        reclaim_leases()
    assert statuses() == {"failed": 1}
    assert left_over() == {}
    for step in Step.objects.all():
        assert step.status == "failed"
        assert msgspec.json.decode(step.error or "")["message"] == "its worker died, 2 times in a row"
    kinds = list(History.objects.order_by("id").values_list("kind", flat=True))
    assert kinds == ["run.queued", "step.returned", "step.returned", "step.failed", "step.failed", "run.failed"]
    reclaim_leases()
    assert History.objects.count() == len(kinds)


@pytest.mark.usefixtures("deaths")
def test_a_worn_out_item_of_a_run_that_is_gone_holds_up_no_other() -> None:
    start()
    start()
    for _ in range(2):
        worker = add_worker()
        lease(worker)
        silence(worker)
        reclaim_leases() if ReadyItem.objects.count() == 0 and _ == 0 else None
    run = Run.objects.order_by("id")[0]
    execute("DELETE FROM state_run WHERE id = %s", (run.pk,))
    reclaim_leases()
    assert left_over() == {}
    assert statuses() == {"failed": 1}
