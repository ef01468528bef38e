"""From an event in the inbox to an ended run, in this process, on a real database."""

import threading
from typing import Any

import msgspec
import pytest
from django.db import OperationalError

from apps.doorbell.stopping import stopping
from apps.executor import drain as drain_module
from apps.executor.drain import Drain
from apps.executor.worker import WorkerProcess
from apps.runner.consume_events import consume_events
from apps.state.models import Attempt, History, LeasedItem, ReadyItem, Run, Step
from drivers.contract import Abort, Call, Outcome
from tests.executor.finishing import start
from tests.functions import (
    ScriptedDriver,
    append,
    deploy_function,
    dev_environment,
    left_over,
    statuses,
    succeed,
    take_down,
)
from tests.state.items import QUEUE

pytestmark = pytest.mark.django_db

PATIENCE = 20.0


def test_an_event_runs_its_function_to_completion(driver: ScriptedDriver) -> None:
    start({"a": (), "b": ("a",), "c": ("a",), "d": ("b",)}, runs=3)
    Drain(QUEUE).run()
    assert statuses() == {"completed": 3}
    assert set(driver.calls.values()) == {1}
    assert Step.objects.filter(status="completed").count() == 12
    assert Attempt.objects.count() == 12
    assert left_over() == {}
    run = Run.objects.all()[0]
    assert [entry.kind for entry in History.objects.filter(run=run).order_by("id")] == [
        "run.queued",
        *["step.completed"] * 4,
        "run.completed",
    ]


def test_a_step_gets_its_event_the_outputs_so_far_and_its_place(driver: ScriptedDriver) -> None:
    calls: dict[str, Call] = {}

    def answer(call: Call) -> Outcome:
        calls[call.step_id] = call
        return succeed('{"n": 1.50}' if call.step_id == "a" else "null")

    driver.answer = answer
    deploy_function({"a": (), "b": ("a",)}, slug="mine")
    event = '{"name":"test/event","data":{"odd":"\\u0000 \\ud800","big":1e400000}}'
    append(payload=event)
    consume_events()
    Drain(QUEUE).run()
    run = Run.objects.get()
    payload = calls["b"].payload.decode()
    # As they were sent: no parser of ours has touched the numbers and characters in them.
    assert f'"event":{event}' in payload
    assert f'"events":[{event}]' in payload
    assert '"steps":{"a":{"n": 1.50}}' in payload
    assert '"steps":{}' in calls["a"].payload.decode()
    ctx = payload[payload.index('"ctx":') + 6 : -1]
    assert msgspec.json.decode(ctx) == {
        "fn_id": "mine",
        "run_id": run.pk,
        "step_id": "b",
        "attempt": 0,
        "env": "dev",
    }


def test_a_run_of_a_function_that_was_taken_down_goes_on(driver: ScriptedDriver) -> None:
    start({"a": (), "b": ("a",)})
    assert take_down(dev_environment(), "fn")
    append()
    consume_events()
    Drain(QUEUE).run()
    assert statuses() == {"completed": 1}
    assert Step.objects.count() == 2


def test_a_run_goes_on_in_its_version_when_another_is_deployed(driver: ScriptedDriver) -> None:
    start({"a": (), "b": ("a",)})
    deploy_function({"a": (), "c": ("a",)})
    Drain(QUEUE).run()
    assert set(Step.objects.values_list("step_id", flat=True)) == {"a", "b"}


def test_a_slow_step_holds_one_slot_and_no_other(settings: Any, driver: ScriptedDriver) -> None:
    settings.STEP_SLOTS = 2
    others_done = threading.Event()
    finished: list[str] = []

    def answer(call: Call) -> Outcome:
        if call.step_id == "slow":
            assert others_done.wait(PATIENCE)
        else:
            finished.append(call.step_id)
            if len(finished) == 8:
                others_done.set()
        return succeed()

    driver.answer = answer
    start({"slow": (), **{f"quick-{n}": () for n in range(8)}})
    Drain(QUEUE).run()
    assert statuses() == {"completed": 1}


def test_no_more_steps_run_side_by_side_than_there_are_slots(settings: Any, driver: ScriptedDriver) -> None:
    settings.STEP_SLOTS = 3
    lock, running, most = threading.Lock(), 0, 0
    together = threading.Barrier(3, timeout=PATIENCE)

    def answer(call: Call) -> Outcome:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        together.wait()
        with lock:
            running -= 1
        return succeed()

    driver.answer = answer
    start({f"s{n}": () for n in range(9)})
    Drain(QUEUE).run()
    assert most == 3
    assert statuses() == {"completed": 1}


class EndlessDriver(ScriptedDriver):
    """Its calls end only when they are aborted."""

    def __init__(self) -> None:
        super().__init__()
        self.began = threading.Event()

    def run(self, call: Call, abort: Abort) -> Outcome:
        aborted = threading.Event()
        abort.on_set(aborted.set)
        self.began.set()
        assert aborted.wait(PATIENCE)
        return succeed()


@pytest.fixture
def endless(monkeypatch: pytest.MonkeyPatch) -> EndlessDriver:
    driver = EndlessDriver()
    monkeypatch.setattr("apps.executor.drain.driver_for", lambda runtime: driver)
    return driver


@pytest.fixture
def stops_when_begun(endless: EndlessDriver) -> Any:
    """The process is told to stop as soon as a step runs."""

    def stop() -> None:
        assert endless.began.wait(PATIENCE)
        stopping.set()

    thread = threading.Thread(target=stop)
    thread.start()
    yield
    thread.join()
    stopping.clear()


@pytest.mark.usefixtures("stops_when_begun")
def test_on_shutdown_steps_that_do_not_end_are_aborted_and_go_back_as_they_were(settings: Any) -> None:
    settings.SHUTDOWN_GRACE_SECONDS = 0.0
    settings.STEP_SLOTS = 1
    start({"a": (), "b": ()})
    Drain(QUEUE).run()
    assert left_over() == {"ReadyItem": 2}
    assert set(ReadyItem.objects.values_list("attempt", "returns")) == {(1, 0)}
    assert statuses() == {"queued": 1}


def test_a_stopping_worker_claims_nothing(driver: ScriptedDriver) -> None:
    start()
    stopping.set()
    try:
        Drain(QUEUE).run()
    finally:
        stopping.clear()
    assert not driver.calls
    assert left_over() == {"ReadyItem": 1}


@pytest.mark.django_db(transaction=True)
def test_what_a_claim_leased_whose_answer_was_lost_goes_back_and_runs(
    monkeypatch: pytest.MonkeyPatch, driver: ScriptedDriver, worker: WorkerProcess
) -> None:
    start(runs=3)
    monkeypatch.setattr(drain_module, "DATABASE_PAUSE_SECONDS", 0.0)

    def lost(*_: object) -> None:
        raise OperationalError("server closed the connection unexpectedly")

    with monkeypatch.context() as patched:
        patched.setattr(drain_module, "load", lost)
        drain = Drain(QUEUE)
        drain.run()
    assert LeasedItem.objects.count() == 3
    worker.beat_once()
    assert ReadyItem.objects.count() == 3
    drain.run()
    assert statuses() == {"completed": 3}
    assert set(driver.calls.values()) == {1}


@pytest.mark.django_db(transaction=True)
def test_an_outcome_is_kept_until_the_database_is_back(monkeypatch: pytest.MonkeyPatch, driver: ScriptedDriver) -> None:
    start(runs=3)
    monkeypatch.setattr(drain_module, "DATABASE_PAUSE_SECONDS", 0.0)
    tries = 0
    from apps.executor.recording import record

    def record_at_last(finished: Any) -> Any:
        nonlocal tries
        tries += 1
        if tries < 5:
            raise OperationalError("the database is away")
        return record(finished)

    monkeypatch.setattr(drain_module, "record", record_at_last)
    Drain(QUEUE).run()
    assert tries >= 5
    assert statuses() == {"completed": 3}
    assert set(driver.calls.values()) == {1}
    assert left_over() == {}
