"""Retention: what is over and old goes, with all that is its own, and nothing that is still needed."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from apps.doorbell.stopping import stopping
from apps.event_stream.ids import oldest_ulid
from apps.event_stream.models import Event, InboxEntry, ParkedEvent, SeenEventId
from apps.executor.chores import retention
from apps.executor.chores.retention import delete_old
from apps.state import retention as state_retention
from apps.state.models import Attempt, History, NotStarted, Probe, Run, StartGuard, Step, Wait, WideEvent
from tests.executor.keeping import KEEPING, fill_with_kept
from tests.functions import deploy_function
from tests.state.counting import statements
from tests.state.items import execute
from tests.state.plans import Explainer
from tests.state.racing import race

OF_A_RUN = ((Run, "id"), (Step, "run_id"), (Attempt, "run_id"), (History, "run_id"), (Wait, "run_id"))


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
    """A run with all that a run has, and its event, of that age in days."""
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
    wait = Wait.objects.create(
        run=run,
        environment_id=1,
        function=function,
        kind="step",
        sources="a",
        event_name="e",
        paths="",
        key=0,
        since_seq=0,
        opened_at=at,
        branches="{}",
    )
    Probe.objects.create(wait_id=wait.pk, after_seq=0, due_at=at)
    return run


def refuse(event: Event) -> None:
    NotStarted.objects.bulk_create(
        [NotStarted(event_seq=event.seq, function_id=1, version_id=1, why="throttle", reason="")]
    )


def kept_events() -> set[int]:
    return set(Event.objects.values_list("seq", flat=True))


@pytest.mark.django_db
def test_old_ended_runs_go_with_all_that_is_theirs_and_nothing_else() -> None:
    add_run(31)
    kept = [add_run(29).pk, add_run(31, ended=False).pk, add_run(0).pk]
    delete_old()
    for model, field in OF_A_RUN:
        assert sorted(model.objects.values_list(field, flat=True)) == sorted(kept), model
    assert sorted(Event.objects.values_list("internal_id", flat=True)) == sorted(kept)
    assert set(Probe.objects.values_list("wait_id", flat=True)) == set(Wait.objects.values_list("id", flat=True))


@pytest.mark.django_db
def test_an_unfinished_run_stays_however_old_it_is_and_its_event_too() -> None:
    run = add_run(4_000, ended=False)
    delete_old()
    assert Run.objects.get().pk == run.pk
    assert kept_events() == {run.event_seq}


@pytest.mark.django_db
def test_a_run_that_began_long_ago_and_has_just_ended_stays() -> None:
    run = add_run(400)
    execute("UPDATE state_run SET ended_at = now() - interval '29 days' WHERE id = %s", (run.pk,))
    delete_old()
    assert Run.objects.get().pk == run.pk


@pytest.mark.django_db
def test_events_that_are_to_be_consumed_or_parked_or_have_waits_left_stay() -> None:
    waiting, parked, wide, _ = (add_event(31) for _ in range(4))
    InboxEntry.objects.create(seq=waiting.seq)
    ParkedEvent.objects.create(seq=parked.seq, reason="", parked_at=days_ago(31))
    WideEvent.objects.create(seq=wide.seq, after_wait=1)
    delete_old()
    assert kept_events() == {waiting.seq, parked.seq, wide.seq}


@pytest.mark.django_db
def test_an_event_that_led_to_a_step_stays_as_long_as_that_steps_run() -> None:
    first, second = add_event(40), add_event(40)
    gone, stays = add_run(31), add_run(31, ended=False)
    for event, run in ((first, gone), (second, stays)):
        Step.objects.filter(run=run).update(async_seq=event.seq)
    delete_old()
    assert kept_events() == {second.seq, stays.event_seq}


@pytest.mark.django_db
def test_an_old_event_goes_with_what_is_said_of_the_functions_that_it_did_not_start() -> None:
    old, young = add_event(31), add_event(29)
    parked = add_event(31)
    ParkedEvent.objects.create(seq=parked.seq, reason="", parked_at=days_ago(31))
    for event in (old, young, parked):
        refuse(event)
    delete_old()
    assert set(NotStarted.objects.values_list("event_seq", flat=True)) == {young.seq, parked.seq} == kept_events()


@pytest.mark.django_db
def test_event_ids_and_start_guards_go_when_their_time_is_over() -> None:
    for number, age in enumerate((1.0, -1.0)):
        expires_at = days_ago(age)
        SeenEventId.objects.bulk_create(
            [SeenEventId(environment_id=1, event_id=str(number), internal_id="x", expires_at=expires_at)]
        )
        StartGuard.objects.bulk_create(
            [StartGuard(function_id=1, kind="throttle", key=str(number), count=1, event_id="x", expires_at=expires_at)]
        )
    delete_old()
    assert SeenEventId.objects.get().event_id == "1"
    assert StartGuard.objects.get().key == "1"


@pytest.mark.django_db
def test_it_goes_on_in_bounded_pieces_past_what_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "AT_ONCE", 2)
    monkeypatch.setattr(retention, "RUNS_AT_ONCE", 2)
    monkeypatch.setattr(state_retention, "SCAN", 4)
    kept = [add_run(31, ended=False).pk for _ in range(5)]
    for _ in range(5):
        add_run(31)
    kept += [add_run(1).pk for _ in range(5)]
    with statements() as seen:
        delete_old()
    assert sorted(Run.objects.values_list("id", flat=True)) == sorted(kept)
    assert sorted(Event.objects.values_list("internal_id", flat=True)) == sorted(kept)
    # Of the runs: four that stay, one that stays and two that go, two that go, the last one. Of the events: ten, two at
    # a time, and a piece in which none is old.
    assert sum("DELETE FROM state_run" in one for one in seen) == 4
    assert sum("SELECT seq, received_at" in one for one in seen) == 6
    with statements() as seen:
        delete_old()
    assert not any(one.startswith("DELETE FROM event_stream_event WHERE") for one in seen)


@pytest.mark.django_db
def test_a_piece_ends_early_when_the_process_stops(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "RUNS_AT_ONCE", 2)
    for _ in range(5):
        add_run(31)
    monkeypatch.setattr(stopping, "is_set", iter([False, True, True, True, True]).__next__)
    delete_old()
    assert (Run.objects.count(), Event.objects.count()) == (3, 5)


@pytest.mark.django_db
def test_things_are_kept_for_as_long_as_is_told(settings: Any) -> None:
    add_run(31)
    settings.RETENTION_DAYS = 40
    delete_old()
    assert Run.objects.count() == 1


@pytest.mark.django_db
def test_a_piece_looks_at_its_own_rows_only_also_by_plans_made_while_all_was_empty(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(retention, "AT_ONCE", 10)
    monkeypatch.setattr(retention, "RUNS_AT_ONCE", 10)
    execute(f"TRUNCATE {', '.join(KEEPING)}")
    execute(f"ANALYZE {', '.join(KEEPING)}")
    explainer = Explainer()

    def add() -> None:
        for _ in range(3):
            run = add_run(31)
            refuse(Event.objects.get(seq=run.event_seq))
        now = datetime.now(UTC)
        SeenEventId.objects.bulk_create(
            [SeenEventId(environment_id=1, event_id=str(now), internal_id="x", expires_at=days_ago(1))]
        )
        StartGuard.objects.bulk_create(
            [StartGuard(function_id=1, kind="k", key=str(now), count=1, event_id="x", expires_at=days_ago(1))]
        )

    add()
    with explainer.watch():
        delete_old()
    assert not Run.objects.exists()
    add()
    fill_with_kept(20_000)
    with explainer.watch() as seen:
        delete_old()
    assert Run.objects.count() == 20_000
    looked_at = {
        " ".join(one.statement.split())[:60]: (one.scans, one.pages)
        for one in seen
        if any(scan.rows > 40 or scan.kind == "Seq Scan" for scan in one.scans if scan.table in KEEPING)
    }
    assert looked_at == {}


@pytest.mark.django_db(transaction=True)
def test_two_at_once_delete_everything_once_and_neither_waits_in_a_circle(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "AT_ONCE", 7)
    monkeypatch.setattr(retention, "RUNS_AT_ONCE", 7)
    for _ in range(60):
        refuse(Event.objects.get(seq=add_run(31).event_seq))
    for number in range(60):
        expires_at = days_ago(1)
        SeenEventId.objects.bulk_create(
            [SeenEventId(environment_id=1, event_id=str(number), internal_id="x", expires_at=expires_at)]
        )
        StartGuard.objects.bulk_create(
            [StartGuard(function_id=1, kind="k", key=str(number), count=1, event_id="x", expires_at=expires_at)]
        )
    race(1, lambda _: delete_old(), lambda _: delete_old(), lambda _: delete_old())
    for model in (Run, Step, Wait, Probe, Event, NotStarted, SeenEventId, StartGuard):
        assert not model.objects.exists(), model
