"""Beat's chores: they do what is due, in bounded batches, and doing them twice does no harm."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from apps.event_stream.ids import oldest_ulid
from apps.event_stream.models import Event, InboxEntry, ParkedEvent, SeenEventId
from apps.executor.chores import retention
from apps.executor.chores.reclaim_leases import reclaim_leases
from apps.executor.chores.retention import delete_old
from apps.executor.chores.wake_due import WAKES, wake_due
from apps.state import scheduling
from apps.state.models import Attempt, History, Pulse, ReadyItem, Run, Step
from apps.state.workers import register_worker
from tests.executor.finishing import lease, start
from tests.functions import Rings, deploy_function, left_over, statuses
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


def days_ago(days: float) -> datetime:
    return datetime.now(UTC) - timedelta(days=days)


def add_event(age: float) -> Event:
    at = days_ago(age)
    number = Event.objects.count()
    prefix = oldest_ulid(int(at.timestamp() * 1_000))[:20]
    return Event.objects.create(
        internal_id=f"{prefix}{number:06}", environment_id=1, name="e", payload="{}", received_at=at
    )


def add_run(age: float, *, ended: bool = True) -> Run:
    """A run with a step, an attempt, a line of history and its event, all of that age in days."""
    event = add_event(age)
    function = deploy_function()
    assert function.live_version_id is not None
    at = event.received_at
    run = Run.objects.create(
        id=event.internal_id,
        environment=function.environment,
        function=function,
        version_id=function.live_version_id,
        event_seq=event.seq,
        status="completed" if ended else "running",
        queued_at=at,
        ended_at=at if ended else None,
    )
    Step.objects.bulk_create([Step(run=run, step_id="a", item_id=1, queued_at=at)])
    Attempt.objects.bulk_create([Attempt(run=run, step_id="a", number=1, ok=True, started_at=at, ended_at=at)])
    History.objects.create(run=run, at=at, kind="run.queued", reason="")
    return run


def test_retention_deletes_old_ended_runs_with_all_that_is_theirs_and_nothing_else() -> None:
    add_run(31)
    kept = [add_run(29).pk, add_run(31, ended=False).pk, add_run(0).pk]
    delete_old()
    for model, field in ((Run, "id"), (Step, "run_id"), (Attempt, "run_id"), (History, "run_id")):
        assert sorted(model.objects.values_list(field, flat=True)) == sorted(kept), model
    assert sorted(Event.objects.values_list("internal_id", flat=True)) == sorted(kept)


def test_retention_keeps_a_run_that_began_long_ago_and_has_just_ended() -> None:
    run = add_run(400)
    execute("UPDATE state_run SET ended_at = now() - interval '29 days' WHERE id = %s", (run.pk,))
    delete_old()
    assert Run.objects.get().pk == run.pk


def test_retention_keeps_events_that_are_to_be_consumed_or_are_parked() -> None:
    waiting, parked, _ = add_event(31), add_event(31), add_event(31)
    InboxEntry.objects.create(seq=waiting.seq)
    ParkedEvent.objects.create(seq=parked.seq, reason="", parked_at=days_ago(31))
    delete_old()
    assert set(Event.objects.values_list("seq", flat=True)) == {waiting.seq, parked.seq}


def test_retention_forgets_event_ids_whose_time_is_over() -> None:
    for number, age in enumerate((1.0, -1.0)):
        SeenEventId.objects.bulk_create(
            [SeenEventId(environment_id=1, event_id=str(number), internal_id="x", expires_at=days_ago(age))]
        )
    delete_old()
    assert SeenEventId.objects.get().event_id == "1"


def test_retention_goes_on_in_bounded_batches_and_does_nothing_more_the_second_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(retention, "AT_ONCE", 2)
    for _ in range(5):
        add_run(31)
    with statements() as seen:
        delete_old()
    assert not Run.objects.exists()
    assert not Event.objects.exists()
    # Five runs and five events, two at a time, and one look at the event ids.
    assert len(seen) == 3 + 3 + 1
    with statements() as seen:
        delete_old()
    assert len(seen) == 3


def test_retention_keeps_for_as_long_as_it_is_told(settings: Any) -> None:
    add_run(31)
    settings.RETENTION_DAYS = 40
    delete_old()
    assert Run.objects.count() == 1
