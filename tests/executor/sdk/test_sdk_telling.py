"""What somebody who looks on is told of functions of the SDKs: steps by the names that their authors gave them."""

import pytest

from apps.state.told import RunEnded, StepSaid, StepTried
from tests.functions import append
from tests.listening import Heard, heard, work
from tests.sdk_functions import Failing, SdkApp, Steps, invoke, run, serve, sleep, wait

__all__ = ["heard"]

pytestmark = pytest.mark.django_db


def test_steps_sleeps_and_waits_have_their_names(heard: Heard, app: SdkApp) -> None:
    def program(event: object) -> Steps:
        yield run("charge the card", lambda: {"ok": True})
        yield sleep("cool down", "1h")

    serve(app, program, "shop-pay")
    append()
    work()
    assert heard.kinds("step.sleeping") == ["event.received", "run.started", "step.completed", "step.sleeping"]
    tried, sleeping = heard.told[2:]
    assert isinstance(tried, StepTried)
    assert (tried.step, tried.output, tried.function) == ("charge the card", '{"ok": true}', "shop-pay")
    assert getattr(sleeping, "step", "") == "cool down"
    assert sleeping.function == "shop-pay"


def test_what_a_function_returns_is_told_with_its_end(heard: Heard, app: SdkApp) -> None:
    def program(event: object) -> Steps:
        yield run("one", lambda: 1)
        return {"all": "done"}

    serve(app, program)
    append()
    work()
    ended = heard.only("run.completed")
    assert isinstance(ended, RunEnded)
    assert ended.output == '{"all": "done"}'


def test_a_failing_step_is_told_with_its_error(heard: Heard, app: SdkApp) -> None:
    def program(event: object) -> Steps:
        yield run("charge", Failing(1))

    serve(app, program, attempts=2)
    append()
    work()
    tried = heard.only("step.retrying")
    assert isinstance(tried, StepTried)
    assert (tried.step, tried.error and tried.error.message) == ("charge", "failure 1")


def test_a_wait_and_its_event_are_told(heard: Heard, app: SdkApp) -> None:
    serve(app, lambda event: (yield wait("hold", "answer")))
    append()
    work()
    waiting = heard.only("step.waiting")
    assert (getattr(waiting, "step", ""), getattr(waiting, "event_name", "")) == ("hold", "answer")
    append("answer")
    work()
    heard.kinds("run.completed")
    [came] = [one for one in heard.told if isinstance(one, StepSaid)]
    assert (came.step, came.status, came.function) == ("hold", "completed", "app-fn")


def test_a_function_that_was_invoked_ends_the_step_that_invoked_it(heard: Heard, app: SdkApp) -> None:
    serve(app, lambda event: (yield invoke("ask", "other-fn")), "app-fn")
    serve(app, lambda event: (yield run("answer", lambda: 42)), "other-fn", event="")
    append()
    work()
    kinds = heard.kinds("run.completed")
    assert kinds.count("run.started") == 2
    said = [one for one in heard.told if isinstance(one, StepSaid)]
    assert [(one.step, one.status, one.function) for one in said] == [("ask", "completed", "app-fn")]
