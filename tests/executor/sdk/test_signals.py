"""Signals: handed to the one run that waits for them."""

import pytest

from apps.executor.recording import record
from apps.state.models import Run, Wait
from apps.state.sdk.waiting import send_signal
from tests.clock import Clock
from tests.executor.sdk.working import called, ended, events, output_of, start, the_run, told, work
from tests.functions import dev_environment
from tests.sdk_functions import SdkApp, StepFault, Steps, hash_of, serve, signal

pytestmark = pytest.mark.django_db


def hand(name: str = "go", data: bytes = b'{"n":1}') -> str | None:
    return send_signal(dev_environment().pk, name, data)


def waiting(app: SdkApp, conflict: str = "fail") -> None:
    def program(event: object) -> Steps:
        try:
            return (yield signal("s", "go", conflict=conflict))
        except StepFault as fault:
            return str(fault)

    serve(app, program)


def outputs(run_ids: list[str]) -> list[tuple[str, object]]:
    runs = [Run.objects.get(pk=run_id) for run_id in run_ids]
    return [(one.status, output_of(one)) for one in runs]


def test_a_signal_is_handed_to_the_run_that_waits_for_it(app: SdkApp) -> None:
    waiting(app)
    [run_id] = start()
    work()
    assert hand("another") is None
    assert the_run().status == "running"
    assert hand() == run_id
    work()
    assert ended() == ("completed", {"signal": "go", "data": {"n": 1}})
    assert app.seen[-1]["steps"] == {hash_of("s"): {"data": {"signal": "go", "data": {"n": 1}}}}
    assert told(the_run(), "step.completed") == ["s: signal go"]


def test_a_signal_for_which_nobody_waits_goes_to_nobody(app: SdkApp) -> None:
    waiting(app)
    assert hand() is None
    start()
    work()
    hand()
    assert hand() is None
    work()
    assert hand() is None
    assert ended()[0] == "completed"
    assert events("inngest/signal.sent") == [{"signal": "go", "data": {"n": 1}}]


def test_a_signal_of_another_environment_is_another_one(app: SdkApp) -> None:
    waiting(app)
    start()
    work()
    assert send_signal(dev_environment().pk + 1, "go", b"{}") is None


def test_a_signal_that_does_not_come_in_time_is_null(app: SdkApp, clock: Clock) -> None:
    waiting(app)
    start()
    work()
    clock.move(hours=2)
    work()
    assert ended() == ("completed", None)
    assert app.seen[-1]["steps"] == {hash_of("s"): None}
    assert hand() is None


def test_a_signal_with_data_null_is_no_time_out(app: SdkApp) -> None:
    waiting(app)
    start()
    work()
    hand(data=b"null")
    work()
    assert ended() == ("completed", {"signal": "go", "data": None})


def test_a_second_run_that_waits_for_a_signal_fails_its_step(app: SdkApp) -> None:
    waiting(app)
    first, second = start(2)
    work(1)
    assert outputs([second]) == [("completed", "another run waits for the signal 'go' already")]
    assert hand() == first
    work()
    assert ended_ok(first)


def ended_ok(run_id: str) -> bool:
    return outputs([run_id])[0] == ("completed", {"signal": "go", "data": {"n": 1}})


@pytest.mark.parametrize("together", [True, False])
def test_a_second_run_may_take_a_signal_from_the_first_which_then_waits_in_vain(
    app: SdkApp, clock: Clock, together: bool
) -> None:
    waiting(app, "replace")
    first, second = start(2)
    work(100 if together else 1)
    assert hand() == second
    work()
    assert ended_ok(second)
    assert hand() is None
    clock.move(hours=2)
    work()
    assert outputs([first]) == [("completed", None)]
    assert not Wait.objects.filter(status="open").exists()


def test_of_two_runs_recorded_together_of_which_neither_replaces_one_waits(app: SdkApp) -> None:
    waiting(app)
    run_ids = start(2)
    record(called())
    work()
    waiting_run = hand()
    assert waiting_run in run_ids
    work()
    assert sorted(isinstance(value, str) for _, value in outputs(run_ids)) == [False, True]


def test_a_run_that_does_not_replace_fails_though_one_of_the_same_batch_does(app: SdkApp) -> None:
    """As if they had been recorded one after another, in the order of the batch."""
    conflicts = {0: "fail", 1: "fail", 2: "replace"}

    def program(event: dict[str, dict[str, int]]) -> Steps:
        try:
            return (yield signal("s", "go", conflict=conflicts[event["data"]["n"]]))
        except StepFault as fault:
            return str(fault)

    serve(app, program)
    first, second, third = start(3)
    by_run = {one.item.run_id: one for one in called()}
    record([by_run[first]])
    record([by_run[second], by_run[third]])
    work()
    assert outputs([second]) == [("completed", "another run waits for the signal 'go' already")]
    assert hand() == third


def test_a_signal_is_free_again_when_its_wait_has_ended(app: SdkApp, clock: Clock) -> None:
    waiting(app)
    start()
    work()
    clock.move(hours=2)
    work()
    [second] = start()
    work()
    assert hand() == second
    work()
    assert ended_ok(second)
