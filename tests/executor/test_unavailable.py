"""What runs a step is away (the Docker engine): the step waits, and has not had its try."""

import time
from collections import Counter
from typing import Any

import pytest

from apps.executor import engine_watch
from apps.executor.drain import Drain
from apps.executor.engine_watch import DEFAULT_HOST
from apps.executor.probing import PAUSE_SECONDS
from apps.executor.recording import record
from apps.executor.worker import WorkerProcess
from apps.state.ending import cancel_run
from apps.state.models import Attempt, History, LeasedItem, ReadyItem, Run, ScheduledItem, Step
from apps.state.scheduling import promote_due
from apps.state.workers import reclaim_lost
from drivers.answers import unavailable
from drivers.contract import Outcome
from tests.executor.finishing import lease, leased_runs, start, with_outcome
from tests.functions import Rings, ScriptedDriver, fail, left_over, statuses
from tests.state.counting import statements
from tests.state.items import LEASE_SECONDS, QUEUE, add_worker, execute, silence
from tests.state.racing import race
from tests.waiting import wait_for

pytestmark = pytest.mark.django_db

AWAY = unavailable("EngineAway", "the engine does not answer")


def said() -> list[str]:
    return list(History.objects.filter(kind="step.waiting").order_by("id").values_list("reason", flat=True))


def refuse(outcome: Outcome = AWAY) -> None:
    """All that is ready is tried in vain."""
    record([with_outcome(one, outcome) for one in lease(add_worker())])


def come_due() -> None:
    execute("UPDATE state_scheduleditem SET due_at = now()")
    promote_due()


def test_the_same_attempt_is_tried_again_and_nothing_else_has_happened(settings: Any) -> None:
    settings.UNAVAILABLE_RETRY_SECONDS = 100.0
    start(attempts=2)
    item = ReadyItem.objects.get()
    execute("UPDATE state_readyitem SET returns = 3")
    before = Step.objects.values().get()
    refuse()
    later = ScheduledItem.objects.get()
    # Its worker has lived, so it has not come back from dead ones in a row.
    assert (later.pk, later.attempt, later.returns) == (item.pk, 1, 0)
    assert later.since_seq is not None
    assert execute("SELECT due_at BETWEEN now() + '95 s'::interval AND now() + '130 s' FROM state_scheduleditem") == [
        (True,)
    ]
    assert Step.objects.values().get() == before
    assert not Attempt.objects.exists()
    assert said() == ["attempt 1 waits: the engine does not answer"]
    assert statuses() == {"queued": 1}


def test_the_history_says_each_reason_once_for_an_attempt() -> None:
    start(attempts=2)
    for _ in range(4):
        refuse()
        come_due()
    refuse(unavailable("EngineAway", "the engine is read-only"))
    come_due()
    refuse()
    come_due()
    refuse(fail(retry_after=0))
    come_due()
    refuse()
    assert said() == [
        "attempt 1 waits: the engine does not answer",
        "attempt 1 waits: the engine is read-only",
        "attempt 2 waits: the engine does not answer",
    ]


def test_the_history_does_not_say_where_the_engine_is() -> None:
    start()
    host = DEFAULT_HOST
    refuse(unavailable("EngineAway", f"the Docker engine at {host} does not answer: Connection refused"))
    come_due()
    refuse(unavailable("EngineAway", f"DOCKER_HOST is {host!r}; it has to begin otherwise"))
    assert said() == [
        "attempt 1 waits: the Docker engine does not answer: Connection refused",
        "attempt 1 waits: DOCKER_HOST is '…'; it has to begin otherwise",
    ]


def test_reasons_that_are_never_the_same_do_not_fill_the_history() -> None:
    start()
    for number in range(25):
        refuse(unavailable("EngineAway", f"connection {number} refused"))
        come_due()
    assert len(said()) == 20


def test_it_completes_once_the_engine_is_back() -> None:
    start({"a": (), "b": ("a",)})
    refuse()
    come_due()
    for _ in range(2):
        record(lease(add_worker()))
    assert statuses() == {"completed": 1}
    assert set(Attempt.objects.values_list("step_id", "number")) == {("a", 1), ("b", 1)}


def test_a_run_that_has_ended_waits_for_nothing() -> None:
    (run,) = leased_runs(runs=1)
    cancel_run(run["step-1"].item.run_id, "asked for")
    record([with_outcome(run["step-1"], AWAY)])
    assert left_over() == {}
    assert said() == []


def test_others_of_the_batch_are_recorded_with_it() -> None:
    (run,) = leased_runs({"a": (), "b": ()}, runs=1)
    recorded = record([run["a"], with_outcome(run["b"], AWAY)])
    assert [entry.kind for entry in recorded.history] == ["step.waiting", "step.completed"]
    assert recorded.over == {(run["a"].item.id, run["a"].worker_id)}
    assert len(recorded.wakes.due) == 1
    assert statuses() == {"running": 1}


@pytest.mark.parametrize("size", [1, 100])
def test_it_costs_three_statements_for_any_number(size: int) -> None:
    start(runs=size)
    finished = [with_outcome(one, AWAY) for one in lease(add_worker())]
    with statements() as seen:
        record(finished)
    assert len(seen) == 3, seen


def test_a_drain_does_not_try_a_backlog_through(settings: Any, driver: ScriptedDriver) -> None:
    """The first claim fills the slots; what follows is one step at a time, and with a pause."""
    settings.STEP_SLOTS = 4
    driver.answer = lambda call: AWAY
    start(runs=100)
    drain = Drain(QUEUE)
    with statements() as seen:
        for _ in range(50):  # rings, as many as may come
            drain.run()
    assert sum(driver.calls.values()) <= 6
    assert len([one for one in seen if one.startswith("WITH RECURSIVE turn")]) <= 4
    assert len(seen) < 30
    assert ReadyItem.objects.count() >= 94


def test_a_worker_whose_engine_is_known_to_be_away_leaves_its_steps_to_others(
    settings: Any, driver: ScriptedDriver, worker: WorkerProcess, rings: Rings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_watch, "QUEUE", QUEUE)
    settings.STEP_SLOTS, settings.UNAVAILABLE_RETRY_SECONDS = 4, 1_000.0
    driver.answer = lambda call: AWAY
    worker.faults = "docker: away"
    start(runs=20)
    rings.take()
    drain = Drain(QUEUE)
    for _ in range(20):
        drain.run()
        time.sleep(PAUSE_SECONDS / 10)
    assert sum(driver.calls.values()) == 1
    assert not rings.take()
    worker.faults = ""
    driver.answer = lambda call: fail(for_good=True)

    def none_ready() -> bool:
        drain.run()
        return not ReadyItem.objects.exists()

    wait_for(none_ready, "the rest has run", 10 * PAUSE_SECONDS)
    assert statuses() == {"failed": 19, "queued": 1}


def test_a_drain_goes_on_as_ever_once_a_step_was_not_refused(settings: Any, driver: ScriptedDriver) -> None:
    settings.STEP_SLOTS = 4
    driver.answer = lambda call: AWAY
    start(runs=30)
    drain = Drain(QUEUE)
    drain.run()
    driver.answer = lambda call: fail(for_good=True)

    def none_ready() -> bool:
        drain.run()
        return not ReadyItem.objects.exists()

    wait_for(none_ready, "the rest has run", 10 * PAUSE_SECONDS)
    assert statuses() == {"failed": 30 - ScheduledItem.objects.count(), "queued": ScheduledItem.objects.count()}


@pytest.mark.django_db(transaction=True)
def test_a_step_waits_or_its_run_is_cancelled_but_never_both() -> None:
    rounds = 100
    runs = leased_runs(runs=rounds)
    run_ids = [run["step-1"].item.run_id for run in runs]
    race(
        rounds,
        lambda number: bool(record([with_outcome(runs[number]["step-1"], AWAY)]).history),
        lambda number: cancel_run(run_ids[number], "asked for"),
    )
    assert statuses() == {"cancelled": rounds}
    assert left_over() == {}


@pytest.mark.django_db(transaction=True)
def test_a_lease_is_returned_or_its_step_waits_but_never_both() -> None:
    rounds = 100
    start(runs=rounds)
    workers = [add_worker() for _ in range(rounds)]
    finished = [with_outcome(lease(worker, 1)[0], AWAY) for worker in workers]

    def bury(number: int) -> bool:
        returned = bool(reclaim_lost(LEASE_SECONDS, 5).queues)
        if number + 1 < rounds:
            silence(workers[number + 1])
        return returned

    silence(workers[0])
    waits, returned = race(rounds, lambda number: bool(record([finished[number]]).wakes.due), bury)
    assert Counter(one != other for one, other in zip(waits, returned, strict=True)) == {True: rounds}
    assert (ScheduledItem.objects.count(), ReadyItem.objects.count()) == (sum(waits), sum(returned))
    assert not LeasedItem.objects.exists()
    assert Run.objects.filter(ended_at=None).count() == rounds
