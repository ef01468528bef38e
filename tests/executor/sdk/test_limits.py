"""What is too large, too much, or cannot be stored as it is."""

import json
from typing import Any

import pytest

from apps.state.models import Attempt
from drivers.contract import Outcome
from tests.executor.sdk.working import ended, start, the_run, told, work, work_through_retries
from tests.functions import fail
from tests.sdk_functions import SdkApp, StepFault, Steps, hash_of, nothing, run, serve

pytestmark = pytest.mark.django_db


def test_an_error_message_that_cannot_be_stored_as_it_is_is_still_told(app: SdkApp) -> None:
    failing = {"id": hash_of("a"), "op": "StepError", "error": {"name": "E", "message": "a\0b"}}

    def program(event: object) -> Steps:
        try:
            yield run("a")
        except StepFault as fault:
            return str(fault)

    app.answer = lambda call: None if json.loads(call.payload)["steps"] else app.asks([failing], retryable=False)
    serve(app, program)
    start()
    work()
    assert ended() == ("completed", "a\0b")


def test_a_message_with_a_nul_fails_the_function_and_says_so(app: SdkApp) -> None:
    app.answer = lambda call: fail("a\0b")
    serve(app, lambda event: (yield run("a")), attempts=2)
    start()
    work_through_retries()
    assert ended() == ("failed", {"name": "Error", "message": "a\0b", "stack": ""})
    assert told(the_run(), "step.failed") == ["attempt 2 of 2 failed, the last one: a\ufffdb"]
    assert app.calls == {"step": 2}


def test_what_a_failing_step_logs_is_kept_with_its_attempt(app: SdkApp) -> None:
    app.answer = lambda call: Outcome(ok=True, output="1", log="said")
    serve(app, lambda event: (yield run("a")))
    start()
    work()
    assert Attempt.objects.get().log == "said"


def test_a_limit_of_steps_fails_the_run_clearly(app: SdkApp, settings: Any) -> None:
    settings.SDK_STEPS_MAX = 3

    def program(event: object) -> Steps:
        for number in range(10):
            yield run(f"s{number}")

    serve(app, program, attempts=4)
    start()
    work()
    status, error = ended()
    assert status == "failed"
    assert "the run has 4 steps; the limit (SDK_STEPS_MAX) is 3" in error["message"]
    assert app.calls == {"step": 4}


@pytest.mark.parametrize("limit", [10, 10_000])
def test_a_call_says_when_it_leaves_out_what_is_too_large(app: SdkApp, settings: Any, limit: int) -> None:
    settings.SDK_STATE_MAX_BYTES = limit
    serve(app, nothing)
    start()
    app.answer = lambda call: (
        app.asks([{"id": "h", "op": "StepRun", "data": "x" * 50}]) if app.calls["step"] == 1 else None
    )
    work()
    body = app.seen[-1]
    assert (body["use_api"], body["ctx"]["use_api"]) == (limit == 10, limit == 10)
    assert body["steps"] == ({} if limit == 10 else {"h": {"data": "x" * 50}})
    assert bool(body["events"]) == (limit == 10_000)
    # What it then asks for may be more than there was now.
    assert body["ctx"]["stack"] == ({"stack": [], "current": 0} if limit == 10 else {"stack": ["h"], "current": 1})
    assert ended()[0] == "completed"
