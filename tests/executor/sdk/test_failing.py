"""Steps and functions that fail: what is tried again, when, and what the function gets to see of it."""

import json
from collections import Counter

import pytest

from apps.executor.recording import record
from apps.state.clock import read_now
from apps.state.models import Attempt, Run, ScheduledItem
from drivers.contract import Call, Outcome
from tests.executor.sdk.working import called, ended, start, step_of, the_run, told, work, work_through_retries
from tests.functions import fail
from tests.sdk_functions import Failing, SdkApp, StepFault, Steps, hash_of, run, serve

pytestmark = pytest.mark.django_db


def tries(run_: Run, step_id: str) -> list[tuple[int, bool]]:
    """The attempts that were kept: number, and whether it succeeded."""
    return list(Attempt.objects.filter(run_id=run_.pk, step_id=step_id).order_by("number").values_list("number", "ok"))


def test_a_step_that_fails_in_a_call_is_tried_again_until_it_succeeds(app: SdkApp) -> None:
    code = Failing(2, "at last")

    def program(event: object) -> Steps:
        return (yield run("a", code))

    serve(app, program, attempts=4)
    start()
    work_through_retries()
    assert ended() == ("completed", "at last")
    assert code.runs == 3
    one = the_run()
    assert tries(one, hash_of("a")) == [(1, False), (2, False), (3, True)]
    assert [body["ctx"]["attempt"] for body in app.seen] == [0, 1, 2, 0]
    [first, second] = told(one, "step.retrying")
    assert first.startswith("a: attempt 1 of 4 failed, again in ")
    assert first.endswith(": failure 1")
    assert second.startswith("a: attempt 2 of 4 failed, again in ")
    assert told(one, "step.completed") == ["a: attempt 3 succeeded"]
    row = step_of(one, hash_of("a"))
    assert (row.op, row.status, row.attempts, row.error, row.output) == ("run", "completed", 3, None, '"at last"')


@pytest.mark.parametrize("side_by_side", [False, True])
def test_a_step_that_fails_for_the_last_time_is_the_functions_to_deal_with(app: SdkApp, side_by_side: bool) -> None:
    code = Failing(9)

    def program(event: object) -> Steps:
        try:
            yield [run("a", code), run("b")] if side_by_side else run("a", code)
        except StepFault as fault:
            then = yield run("then", lambda: "then")
            return [str(fault), then]

    serve(app, program, attempts=3)
    start()
    work_through_retries()
    assert ended() == ("completed", ["failure 3", "then"])
    assert code.runs == 3
    one = the_run()
    assert told(one, "step.failed") == ["a: attempt 3 of 3 failed, the last one: failure 3"]
    assert tries(one, hash_of("a")) == [(1, False), (2, False), (3, False)]
    error = json.loads(step_of(one, hash_of("a")).error or "")
    assert error == {"name": "ValueError", "message": "failure 3", "stack": ""}
    results = app.seen[-1]["steps"]
    assert results[hash_of("a")] == {"error": error}


def test_parallel_steps_fail_and_are_tried_again_apart(app: SdkApp) -> None:
    codes = [Failing(times, times) for times in range(3)]

    def program(event: object) -> Steps:
        return (yield [run(f"s{number}", code) for number, code in enumerate(codes)])

    serve(app, program, attempts=3)
    start()
    work_through_retries()
    assert ended() == ("completed", [0, 1, 2])
    assert app.calls == {"step": 2, hash_of("s0"): 1, hash_of("s1"): 2, hash_of("s2"): 3}


def test_an_uncaught_error_of_a_step_fails_the_run_with_it(app: SdkApp) -> None:
    def program(event: object) -> Steps:
        yield run("a", Failing(9))

    serve(app, program, attempts=1)
    start()
    work()
    status, error = ended()
    assert (status, error["message"]) == ("failed", "failure 1")
    assert told(the_run(), "run.failed") == ["the function failed"]


def test_a_step_that_is_not_to_be_tried_again_is_not(app: SdkApp) -> None:
    def answer(call: Call) -> Outcome | None:
        if json.loads(call.payload)["steps"]:
            return None
        failing = {"id": hash_of("a"), "op": "StepError", "error": {"name": "Never", "message": "no"}}
        return app.asks([failing], retryable=False)

    def program(event: object) -> Steps:
        try:
            yield run("a")
        except StepFault as fault:
            return str(fault)

    app.answer = answer
    serve(app, program, attempts=4)
    start()
    work()
    assert ended() == ("completed", "no")
    assert app.calls == {"step": 2}
    [reason] = told(the_run(), "step.failed")
    assert reason.endswith(" attempt 1 of 4 failed, not to be tried again: no")


def test_a_step_that_failed_for_good_by_its_own_word_is_not_tried_again(app: SdkApp) -> None:
    def answer(call: Call) -> Outcome | None:
        failed = {"id": hash_of("a"), "op": "StepFailed", "error": {"message": "no"}}
        return None if json.loads(call.payload)["steps"] else app.asks([failed])

    def program(event: object) -> Steps:
        yield run("a")

    app.answer = answer
    serve(app, program, attempts=4)
    start()
    work()
    assert ended()[0] == "failed"
    assert app.calls == {"step": 2}


@pytest.mark.parametrize("of_step", [True, False])
def test_the_pause_that_an_app_asks_for_is_kept(app: SdkApp, of_step: bool) -> None:
    failing = {"id": hash_of("a"), "op": "StepError", "error": {"message": "later"}}
    app.answer = lambda call: app.asks([failing], retry_after=123.0) if of_step else fail(retry_after=123.0)
    serve(app, lambda event: (yield run("a")), attempts=2)
    start()
    work()
    item = ScheduledItem.objects.get()
    assert 100 < (item.due_at - read_now()).total_seconds() < 124
    assert (item.step_id, item.attempt) == ("step", 2)
    assert the_run().status == "running"
    assert the_run().started_at is not None


def test_a_function_that_fails_outside_of_its_steps_is_called_again_until_it_succeeds(app: SdkApp) -> None:
    code = Failing(2)

    def program(event: object) -> Steps:
        a = yield run("a", lambda: 1)
        code()
        return a

    serve(app, program, attempts=3)
    start()
    work_through_retries()
    assert ended() == ("completed", 1)
    one = the_run()
    assert [body["ctx"]["attempt"] for body in app.seen] == [0, 0, 1, 2]
    assert [reason.split(",")[0] for reason in told(one, "step.retrying")] == [
        "attempt 1 of 3 failed",
        "attempt 2 of 3 failed",
    ]
    assert tries(one, "step") == [(1, False), (2, False), (3, True)]


def test_a_function_that_fails_for_good_fails_its_run(app: SdkApp) -> None:
    def program(event: object) -> Steps:
        yield run("a")
        raise ValueError("it is broken")

    serve(app, program, attempts=2)
    start()
    work_through_retries()
    assert ended() == ("failed", {"name": "ValueError", "message": "it is broken", "stack": ""})
    one = the_run()
    assert told(one, "step.failed") == ["attempt 2 of 2 failed, the last one: it is broken"]
    assert tries(one, "step") == [(1, False), (2, False)]


def test_a_function_that_is_not_to_be_called_again_fails_its_run_at_once(app: SdkApp) -> None:
    app.answer = lambda call: fail("no", for_good=True)
    serve(app, lambda event: (yield run("a")), attempts=4)
    start()
    work()
    assert ended()[0] == "failed"
    assert app.calls == {"step": 1}


@pytest.mark.parametrize("fails", [1, 9])
def test_a_call_for_one_step_that_fails_without_naming_it_is_tried_again_and_then_fails_the_run(
    app: SdkApp, fails: int
) -> None:
    app.answer = lambda call: (
        fail("the app is down")
        if call.runtime["step_id"] == hash_of("a") and app.calls[hash_of("a")] <= fails
        else None
    )
    serve(app, lambda event: (yield [run("a", lambda: 1), run("b")]), attempts=2)
    start()
    work_through_retries()
    if fails == 1:
        assert ended() == ("completed", [1, None])
    else:
        assert ended() == ("failed", {"name": "Error", "message": "the app is down", "stack": ""})
    assert app.calls[hash_of("a")] == 2
    [reason] = told(the_run(), "step.retrying")
    assert reason.startswith("a: attempt 1 of 2 failed, again in")


def test_the_numbers_of_attempts_of_several_calls_never_collide(app: SdkApp) -> None:
    """Each of three calls fails twice outside of a step, a step fails between, and all of it is kept."""
    outside = Counter[int]()
    inside = Failing(1)

    def program(event: object) -> Steps:
        for number in range(3):
            yield run(f"s{number}", inside)
            outside[number] += 1
            if outside[number] < 3:
                raise ValueError("outside")

    serve(app, program, attempts=4)
    start()
    work_through_retries()
    assert ended()[0] == "completed"
    numbers = tries(the_run(), "step")
    assert [ok for _, ok in numbers] == [False] * 6 + [True]
    assert len({number for number, _ in numbers}) == 7
    assert tries(the_run(), hash_of("s0")) == [(1, False), (2, True)]


def test_two_steps_that_fail_in_one_answer_cost_one_call_more(app: SdkApp) -> None:
    failing = [{"id": hash_of(name), "op": "StepError", "error": {"message": "no"}} for name in ("a", "b")]
    app.answer = lambda call: app.asks(failing) if app.calls["step"] == 1 else None
    serve(app, lambda event: (yield [run("a", lambda: 1), run("b", lambda: 2)]), attempts=3)
    start()
    record(called())
    assert ScheduledItem.objects.count() == 1
    work_through_retries()
    assert ended()[0] == "completed"
