"""What somebody who looks on is told of events, runs and steps of declared functions."""

import logging
import time

import pytest
from pytest_django import Settings

from apps.datastore.definition.types import Async, Edge
from apps.devserver.processes import holds_within
from apps.executor.drain import Drain
from apps.runner.consume_events import consume_events
from apps.state.ending import cancel_run
from apps.state.models import Run
from apps.state.told import EventReceived, NotStarted, RunEnded, RunStarted, Sleeping, StepRunning, StepSaid, StepTried
from apps.state.told import Waiting as WaitOpened
from drivers.contract import Call, Outcome, StepError
from tests.functions import Rings, ScriptedDriver, append, deploy_function, deploy_steps
from tests.listening import Heard, heard, work
from tests.state.counting import statements
from tests.state.items import QUEUE

__all__ = ["heard"]

pytestmark = pytest.mark.django_db


def event(name: str = "test/event", data: str = '{"id": 42}') -> None:
    append(name, f'{{"name":"{name}","data":{data},"user":{{}},"id":"x","ts":1}}')


def test_an_event_its_run_and_its_steps_are_told_in_their_order(heard: Heard, driver: ScriptedDriver) -> None:
    deploy_function({"a": (), "b": ("a",)}, slug="shop")
    driver.answer = lambda call: Outcome(ok=True, output='{"n":1}', log="hello\n")
    event()
    work()
    assert heard.kinds("run.completed") == [
        "event.received",
        "run.started",
        "step.completed",
        "step.completed",
        "run.completed",
    ]
    received, started, tried, _, ended = heard.told
    assert isinstance(received, EventReceived)
    assert (received.name, received.data, received.sets_off) == ("test/event", '{"id":42}', 1)
    run = Run.objects.get()
    assert isinstance(started, RunStarted)
    assert (started.run, started.function, started.version) == (run.pk, "shop", 1)
    assert started.reason == f"event test/event {received.id}"
    assert isinstance(tried, StepTried)
    assert (tried.function, tried.step, tried.output, tried.log) == ("shop", "a", '{"n":1}', "hello\n")
    assert 0 <= tried.seconds < 5
    assert isinstance(ended, RunEnded)
    assert (ended.run, ended.function) == (run.pk, "shop")
    assert 0 <= ended.seconds < 10


def test_an_event_that_starts_nothing_is_told(heard: Heard) -> None:
    event("nobody/listens")
    consume_events()
    received = heard.only("event.received")
    assert isinstance(received, EventReceived)
    assert received.sets_off == 0


def test_a_function_that_is_not_started_is_told_with_its_reason(heard: Heard) -> None:
    deploy_steps({"a": [Edge("$trigger")]}, slug="once", idempotency="{{ event.data.id }}")
    event()
    event()
    consume_events()
    refused = heard.only("event.not_started")
    assert isinstance(refused, NotStarted)
    assert refused.function == "once"
    assert "has started it already" in refused.reason
    assert [type(one) for one in heard.told] == [EventReceived, RunStarted, EventReceived, NotStarted]


def test_what_is_tried_again_is_told_with_its_error_and_when(heard: Heard, driver: ScriptedDriver) -> None:
    deploy_function({"a": ()}, attempts=2)
    error = StepError("TypeError", "cannot read property: " + "x" * 3_000, "at run (index.ts:3)")
    driver.answer = lambda call: Outcome(ok=False, error=error, retry_after=3_600)
    event()
    work()
    tried = heard.only("step.retrying")
    assert isinstance(tried, StepTried)
    assert tried.error is not None
    assert (tried.error.name, tried.error.message, tried.error.stack) == (error.name, error.message, error.stack)
    assert (tried.attempt, tried.attempts) == (1, 2)
    assert tried.then.startswith("again in 3.")


def test_what_failed_for_good_fails_its_run(heard: Heard, driver: ScriptedDriver) -> None:
    deploy_function({"a": ()})
    driver.answer = lambda call: Outcome(ok=False, error=StepError("Error", "no"), retryable=False)
    event()
    work()
    assert heard.kinds("run.failed")[-2:] == ["step.failed", "run.failed"]
    assert heard.told[-1].is_loud
    assert heard.told[-1].function == "fn"


def test_sleeping_waiting_and_what_is_not_reached_are_told(heard: Heard, driver: ScriptedDriver) -> None:
    deploy_steps(
        {
            "a": [Edge("$trigger")],
            "later": [Edge("a", wait=3_600.0)],
            "never": [Edge("a", condition="response == 2")],
            "asked": [Edge("a", listen=Async("answer", 60.0, None))],
        }
    )
    event()
    work()
    heard.kinds("step.waiting")
    sleeping, waiting = heard.only("step.sleeping"), heard.only("step.waiting")
    assert isinstance(sleeping, Sleeping)
    assert sleeping.step == "later"
    assert 3_500 < sleeping.until - time.time() < 3_700
    assert isinstance(waiting, WaitOpened)
    assert (waiting.step, waiting.event_name) == ("a", "answer")
    reached = heard.only("step.not_reached")
    assert isinstance(reached, StepSaid)
    assert (reached.step, reached.reason) == ("never", "after a: `response == 2` is not true")
    event("answer")
    work()
    heard.kinds("step.completed")
    assert holds_within(5.0, lambda: any(isinstance(one, StepSaid) and one.step == "a" for one in heard.told))
    [came] = [one for one in heard.told if isinstance(one, StepSaid) and one.step == "a"]
    assert came.reason.startswith("event answer ")
    assert came.function == "fn"
    [received] = [one for one in heard.told if isinstance(one, EventReceived) and one.name == "answer"]
    assert received.sets_off == 1


def test_a_cancelled_run_is_told(heard: Heard, driver: ScriptedDriver) -> None:
    deploy_function({"a": ()})
    event()
    consume_events()
    assert cancel_run(Run.objects.get().pk, "asked for")
    ended = heard.only("run.cancelled")
    assert isinstance(ended, RunEnded)
    assert ended.reason == "asked for"


def test_a_step_that_takes_long_is_told_of_while_it_runs(
    heard: Heard, driver: ScriptedDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("apps.executor.telling.LONG_SECONDS", 0.05)
    deploy_function({"a": ()})

    def answer(call: Call) -> Outcome:
        assert holds_within(10.0, lambda: any(isinstance(one, StepRunning) for one in heard.told))
        return Outcome(ok=True, output="1")

    driver.answer = answer
    event()
    consume_events()
    Drain(QUEUE).run()
    assert heard.kinds("run.completed").count("step.running") == 1


def test_nothing_is_told_and_nothing_asked_where_nobody_wants_to_know(
    settings: Settings, heard: Heard, rings: Rings
) -> None:
    deploy_function({"a": ()})
    append()
    consume_events()
    heard.kinds("run.started")
    costs = []
    for settings.LOG_RUNS in (True, False):
        append()
        with statements() as seen:
            consume_events()
        costs.append(len(seen))
    assert costs[0] == costs[1] + 1  # what the event says
    assert holds_within(5.0, lambda: len(heard.told) >= 4)
    assert len(heard.told) == 4


def test_where_no_person_looks_on_it_is_logged_with_fields(
    settings: Settings, caplog: pytest.LogCaptureFixture, driver: ScriptedDriver
) -> None:
    settings.LOG_RUNS = True
    deploy_function({"a": ()}, slug="shop")
    event()
    with caplog.at_level(logging.INFO, logger="inngest.runs"):
        work()
    logged = {record.getMessage(): record for record in caplog.records if record.name == "inngest.runs"}
    assert list(logged) == ["event.received", "run.started", "step.completed", "run.completed"]
    fields = logged["step.completed"].__dict__
    assert (fields["function"], fields["step"], fields["attempt"]) == ("shop", "a", 1)
    assert logged["event.received"].__dict__["event_name"] == "test/event"


def test_whoever_is_to_work_is_rung_for_before_anything_is_told(
    settings: Settings, rings: Rings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.LOG_RUNS = True
    rung: list[int] = []
    monkeypatch.setattr("apps.state.wakes.tell", lambda told: rung.append(len(rings.heard)))
    deploy_function({"a": ()})
    append()
    rings.take()
    consume_events()
    assert rung[-1] > 0
