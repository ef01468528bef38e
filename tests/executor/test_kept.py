"""What a driver kept of a call is taken away once its attempt is over, and never before."""

import threading
from dataclasses import replace

import pytest

from apps.executor import drain as drain_module
from apps.executor.drain import Drain
from apps.executor.releasing import WAITING_MOST, Releasing
from apps.executor.worker import WorkerProcess
from apps.state.ending import cancel_run
from apps.state.models import Attempt, LeasedItem, Run
from drivers.answers import unavailable
from drivers.contract import Call, Outcome
from tests.executor.finishing import start
from tests.functions import ScriptedDriver, fail, left_over, statuses, succeed
from tests.state.items import QUEUE, execute

pytestmark = pytest.mark.django_db

SECONDS = 10.0


class Keeping:
    """Answers whose `kept` is counted, by step."""

    def __init__(self, outcome: Outcome) -> None:
        self.outcome = outcome
        self.taken_away: list[str] = []

    def __call__(self, call: Call) -> Outcome:
        return replace(self.outcome, kept=lambda: self.taken_away.append(f"{call.step_id} {call.attempt}"))


@pytest.fixture
def releasing(monkeypatch: pytest.MonkeyPatch) -> Releasing:
    made = Releasing()
    monkeypatch.setattr(drain_module, "releasing", made)
    return made


@pytest.mark.parametrize("outcome", [succeed(), fail(for_good=True), fail(retry_after=3_600)])
def test_it_goes_once_the_attempt_is_recorded(driver: ScriptedDriver, releasing: Releasing, outcome: Outcome) -> None:
    driver.answer = keeping = Keeping(outcome)
    start(attempts=2)
    Drain(QUEUE).run()
    assert Attempt.objects.count() == 1
    assert releasing.wait(SECONDS)
    assert keeping.taken_away == ["step-1 0"]


def test_it_stays_while_the_same_attempt_is_to_be_tried_again(driver: ScriptedDriver, releasing: Releasing) -> None:
    driver.answer = keeping = Keeping(unavailable("EngineAway", "it does not answer"))
    start()
    Drain(QUEUE).run()
    assert releasing.wait(SECONDS)
    assert keeping.taken_away == []


def test_it_stays_when_the_lease_was_lost(driver: ScriptedDriver, releasing: Releasing) -> None:
    """Another worker goes on with the attempt, and finds it."""
    driver.answer = keeping = Keeping(succeed())
    start()
    drain = Drain(QUEUE)
    take_in = drain._take_in

    def lose(seconds: float) -> None:
        take_in(seconds)
        execute("UPDATE state_leaseditem SET worker_id = worker_id + 1")

    drain._take_in = lose  # type: ignore[method-assign]
    drain.run()
    assert LeasedItem.objects.count() == 1
    assert releasing.wait(SECONDS)
    assert keeping.taken_away == []


def test_it_goes_when_the_run_has_ended_meanwhile(driver: ScriptedDriver, releasing: Releasing) -> None:
    driver.answer = keeping = Keeping(succeed())
    start()
    drain = Drain(QUEUE)
    take_in = drain._take_in

    def cancel(seconds: float) -> None:
        take_in(seconds)
        cancel_run(Run.objects.get().pk, "asked for")

    drain._take_in = cancel  # type: ignore[method-assign]
    drain.run()
    assert statuses() == {"cancelled": 1}
    assert left_over() == {}
    assert releasing.wait(SECONDS)
    assert keeping.taken_away == ["step-1 0"]


def test_one_that_hangs_or_raises_holds_up_neither_the_drain_nor_the_others(releasing: Releasing) -> None:
    let_go, gone = threading.Event(), threading.Event()

    def hang() -> None:
        assert let_go.wait(SECONDS)

    def break_down() -> None:
        raise RuntimeError("the engine is gone")

    releasing.release(hang)
    releasing.release(break_down)
    releasing.release(gone.set)
    assert gone.wait(SECONDS)
    assert not releasing.wait(0.01)
    let_go.set()
    assert releasing.wait(SECONDS)


def test_no_more_of_them_wait_than_a_process_can_hold(releasing: Releasing) -> None:
    let_go = threading.Event()
    done: list[int] = []

    def hang() -> None:
        let_go.wait(SECONDS)
        done.append(1)

    for _ in range(WAITING_MOST + 50):
        releasing.release(hang)
    let_go.set()
    assert releasing.wait(SECONDS)
    assert len(done) == WAITING_MOST


def test_the_owner_of_a_call_is_its_environment(driver: ScriptedDriver, worker: WorkerProcess) -> None:
    calls: list[Call] = []

    def answer(call: Call) -> Outcome:
        calls.append(call)
        return succeed()

    driver.answer = answer
    start()
    Drain(QUEUE).run()
    [(public_id,)] = execute("SELECT public_id::text FROM datastore_environment WHERE slug = 'dev'")
    assert calls[0].owner == public_id
