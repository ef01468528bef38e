"""Invoke: another function is run, and whoever invoked it goes on with what it came to."""

from datetime import timedelta

import pytest

from apps.datastore.definition.types import Edge
from apps.executor.recording import record
from apps.state.ending import cancel_run
from apps.state.models import Run
from apps.state.scheduling import promote_due
from apps.state.sdk.invoking import NoSuchFunction
from apps.state.sdk.invoking import invoke as invoke_directly
from drivers.contract import Outcome
from tests.clock import Clock
from tests.executor.sdk.working import called, ended, events, output_of, start, step_of, the_run, told, work
from tests.functions import ScriptedDriver, deploy_function, deploy_steps, dev_environment, left_over, statuses
from tests.sdk_functions import Failing, SdkApp, StepFault, Steps, hash_of, invoke, nothing, run, serve, sleep

pytestmark = pytest.mark.django_db


def invoking(app: SdkApp, function_id: str = "other-callee", timeout: str | None = None) -> None:
    def program(event: object) -> Steps:
        try:
            return (yield invoke("i", function_id, {"n": 4}, **({"timeout": timeout} if timeout else {})))
        except StepFault as fault:
            return {"fault": str(fault)}

    serve(app, program)


def double(event: dict[str, dict[str, int]]) -> Steps:
    return (yield run("a", lambda: 2 * event["data"]["n"]))


def callee(app: SdkApp, program: object = double, **options: object) -> None:
    serve(app, program, "other-callee", event="", **options)  # type: ignore[arg-type]


def test_a_function_gets_what_the_function_that_it_invoked_returns(app: SdkApp) -> None:
    callee(app)
    invoking(app)
    start()
    work()
    assert ended() == ("completed", 8)
    one, other = the_run(), the_run("other-callee")
    assert (other.invoker_id, other.invoker_step_id) == (one.pk, hash_of("i"))
    assert step_of(one, hash_of("i")).op == "invoke"
    assert app.seen[-1]["steps"] == {hash_of("i"): {"data": 8}}
    assert told(one, "step.completed") == [f"i: other-callee completed (run {other.pk})"]
    assert told(other, "run.queued") == [f"invoked by run {one.pk}"]
    assert events("inngest/function.invoked") == [{"n": 4}]


def test_the_invoked_function_sees_an_event_with_the_data_and_the_user_that_it_was_given(app: SdkApp) -> None:
    def program(event: object) -> Steps:
        payload = {"data": {"n": 1}, "user": {"id": 7}, "v": "2"}
        return (yield invoke("i", "other-callee", payload=payload))

    def see(event: dict[str, object]) -> Steps:
        yield from ()
        return {name: event.get(name) for name in ("name", "data", "user", "v")}

    serve(app, program)
    callee(app, see)
    start()
    work()
    assert ended() == (
        "completed",
        {"name": "inngest/function.invoked", "data": {"n": 1}, "user": {"id": 7}, "v": "2"},
    )


def test_a_function_that_fails_fails_the_step_that_invoked_it(app: SdkApp) -> None:
    def broken(event: object) -> Steps:
        try:
            yield run("caught", Failing(9))
        except StepFault:
            raise ValueError("it is broken") from None

    callee(app, broken)
    invoking(app)
    start()
    work()
    assert ended() == ("completed", {"fault": "it is broken"})
    assert told(the_run(), "step.failed") == [f"i: other-callee failed (run {the_run('other-callee').pk})"]


def test_a_function_that_is_cancelled_fails_the_step_that_invoked_it(app: SdkApp) -> None:
    def failing_and_sleeping(event: object) -> Steps:
        try:
            yield run("caught", Failing(9))
        except StepFault:
            yield sleep("s", "1h")

    def listen(event: object) -> Steps:
        yield from ()

    callee(app, failing_and_sleeping)
    serve(app, listen, "app-listener", event="inngest/function.cancelled")
    invoking(app)
    start()
    work()
    assert cancel_run(the_run("other-callee").pk, "asked for")
    work()
    assert ended() == ("completed", {"fault": "the run was cancelled"})
    assert told(the_run(), "step.failed") == [f"i: other-callee cancelled (run {the_run('other-callee').pk})"]
    [data] = events("inngest/function.cancelled")
    assert data["error"] == {"name": "FunctionCancelled", "message": "the run was cancelled", "stack": ""}


def test_a_function_that_is_not_there_fails_the_step(app: SdkApp) -> None:
    invoking(app)
    start()
    work()
    assert ended() == ("completed", {"fault": "there is no function 'other-callee' to invoke"})
    assert told(the_run(), "step.failed") == ["i: there is no function 'other-callee' to invoke"]


def test_a_declared_function_may_be_invoked(app: SdkApp, driver: ScriptedDriver) -> None:
    deploy_function({"a": (), "b": ("a",)}, slug="declared")
    invoking(app, "declared")
    start()
    work()
    assert ended() == ("completed", "b")


def test_a_declared_function_of_several_ends_gives_them_by_name(app: SdkApp, driver: ScriptedDriver) -> None:
    deploy_function({"a": (), "b": ("a",), "c": ("a",)}, slug="declared")
    invoking(app, "declared")
    start()
    work()
    assert ended() == ("completed", {"b": "b", "c": "c"})


def test_a_declared_function_that_fails_gives_the_error_of_its_step(app: SdkApp, driver: ScriptedDriver) -> None:
    driver.answer = lambda call: Outcome(ok=False, retryable=False)
    deploy_function({"a": ()}, slug="declared")
    invoking(app, "declared")
    start()
    work()
    assert ended() == ("completed", {"fault": "the step failed without saying why"})


def test_functions_that_were_invoked_side_by_side_run_side_by_side(app: SdkApp) -> None:
    def program(event: object) -> Steps:
        return (yield [invoke(f"i{n}", "other-callee", {"n": n}) for n in range(3)])

    callee(app)
    serve(app, program)
    start()
    work()
    assert ended() == ("completed", [0, 2, 4])
    assert app.calls["step"] == 2 + 3 * 2


def test_an_invoked_function_may_invoke_another(app: SdkApp) -> None:
    def middle(event: dict[str, dict[str, int]]) -> Steps:
        return (yield invoke("j", "inner", {"n": event["data"]["n"] + 1}))

    callee(app, middle)
    serve(app, double, "inner", event="")
    invoking(app)
    start()
    work()
    assert ended() == ("completed", 10)


def test_what_a_function_asks_of_events_is_not_asked_when_it_is_invoked(app: SdkApp) -> None:
    """Nor is it run a second time by the event of its invocation."""
    serve(app, double, "other-callee", event="inngest/function.invoked", idempotency="event.data.n")
    invoking(app)
    run_ids = start(2)
    work()
    assert [output_of(Run.objects.get(pk=run_id)) for run_id in run_ids] == [8, 8]
    assert Run.objects.filter(function__slug="other-callee").count() == 2


def test_an_invoke_whose_time_is_over_fails_its_step_and_the_function_goes_on_alone(app: SdkApp, clock: Clock) -> None:
    def slow(event: object) -> Steps:
        yield sleep("s", "2h")
        return "late"

    callee(app, slow)
    invoking(app, timeout="1h")
    start()
    work()
    clock.move(minutes=61)
    work()
    status, value = the_run().status, output_of(the_run())
    assert (status, value) == ("completed", {"fault": "Timed out waiting for the invoked function to complete"})
    error = app.seen[-1]["steps"][hash_of("i")]["error"]
    assert error["name"] == "InngestInvokeTimeoutError"
    assert told(the_run(), "step.failed")[0].endswith("Timed out waiting for the invoked function to complete")
    assert the_run("other-callee").status == "running"
    clock.move(hours=2)
    work()
    assert ended("other-callee") == ("completed", "late")
    assert ended() == (status, value)


def test_an_answer_in_time_takes_the_time_out_away(app: SdkApp, clock: Clock) -> None:
    callee(app)
    invoking(app, timeout="1h")
    start()
    work()
    assert left_over() == {}
    assert ended() == ("completed", 8)


def test_an_invoke_may_time_out_at_a_moment(app: SdkApp, clock: Clock) -> None:
    callee(app, lambda event: (yield sleep("s", "2h")))
    invoking(app, timeout=(clock.now() + timedelta(minutes=5)).isoformat())
    start()
    work()
    clock.move(minutes=6)
    work()
    assert the_run().status == "completed"


def test_a_time_out_that_was_claimed_when_the_answer_came_changes_nothing(app: SdkApp, clock: Clock) -> None:
    callee(app, lambda event: (yield sleep("s", "1h")))
    invoking(app, timeout="1h")
    start()
    work()
    clock.move(minutes=61)
    promote_due()
    both = called()
    woken = [one for one in both if one.item.run_id != the_run().pk]
    late = [one for one in both if one.item.run_id == the_run().pk]
    record(woken)
    returning = [one for one in called() if one.item.run_id != the_run().pk]
    record(returning)
    record(late)
    work()
    assert ended() == ("completed", None)
    assert len(told(the_run(), "step.completed", "step.failed")) == 1


def test_whoever_invoked_may_have_ended(app: SdkApp) -> None:
    callee(app)
    invoking(app)
    start()
    record(called())
    assert cancel_run(the_run().pk, "asked for")
    work()
    assert statuses() == {"cancelled": 1, "completed": 1}
    assert left_over() == {}


def test_both_runs_may_be_recorded_in_one_batch(app: SdkApp) -> None:
    """The invoked function returns in the batch in which whoever invoked it answers another call."""

    def program(event: object) -> Steps:
        return (yield [invoke("i", "other-callee", {"n": 1}), run("a", lambda: "a")])

    callee(app, nothing)
    serve(app, program)
    start()
    record(called())
    both = called()
    assert len(both) == 2
    record(both)
    work()
    assert ended() == ("completed", [None, "a"])
    assert app.calls["step"] == 3


def test_a_function_is_invoked_by_a_request(app: SdkApp) -> None:
    callee(app)
    run_id, event_id = invoke_directly(dev_environment().pk, "other-callee", b'{"n":21}')
    work()
    assert ended("other-callee") == ("completed", 42)
    assert the_run("other-callee").pk == run_id
    assert len(event_id) == 26
    with pytest.raises(NoSuchFunction, match="'none'"):
        invoke_directly(dev_environment().pk, "none", b"{}")


def test_an_invoked_function_that_ends_as_it_starts_is_answered_for(app: SdkApp) -> None:
    """A declared function none of whose edges is walked."""
    deploy_steps({"a": [Edge("$trigger", condition="event.data.n == 0")]}, slug="declared")
    invoking(app, "declared")
    start()
    work()
    assert ended()[0] == "completed"
