"""Workers that die while a function is called: what they held is done by others, and counts once."""

from typing import Any

import pytest

from apps.executor.chores.reclaim_leases import reclaim_leases
from apps.executor.recording import record
from apps.state.workers import reclaim_lost
from tests.executor.sdk.working import call, called, claim, ended, output_of, start, the_run, told, work
from tests.functions import left_over
from tests.sdk_functions import Failing, SdkApp, StepFault, Steps, hash_of, run, serve, sleep
from tests.state.items import LEASE_SECONDS, add_worker, silence

pytestmark = pytest.mark.django_db


def die(worker_id: int) -> None:
    """Its items are ready again."""
    silence(worker_id)
    reclaim_lost(LEASE_SECONDS, 100)


def test_a_call_whose_worker_died_is_made_again_and_the_first_answer_is_dropped(app: SdkApp) -> None:
    code = Failing(0, "a")
    serve(app, lambda event: (yield run("a", code)))
    start()
    doomed = add_worker()
    late = called(doomed)
    die(doomed)
    assert left_over() == {"ReadyItem": 1}
    record(late)
    assert app.calls == {"step": 1}
    assert the_run().status == "queued"
    work()
    assert ended() == ("completed", "a")
    assert code.runs == 2
    assert told(the_run(), "step.returned") == ["its worker was gone (1 of 100)"]
    assert len(told(the_run(), "step.completed")) == 1


def test_of_two_answers_of_one_call_in_a_batch_that_of_the_lost_lease_is_dropped(app: SdkApp) -> None:
    """As a process has them that was declared dead and went on under a new identity."""
    serve(app, lambda event: (yield [run("a"), run("b")]))
    start()
    doomed = add_worker()
    late = called(doomed)
    die(doomed)
    record([*late, *called()])
    work()
    assert ended()[0] == "completed"
    assert app.calls == {"step": 3, hash_of("a"): 1, hash_of("b"): 1}
    assert told(the_run(), "step.retrying") == []


def test_a_call_that_was_recorded_before_its_worker_died_is_not_made_again(app: SdkApp) -> None:
    serve(app, lambda event: (yield [run("a"), run("b")]))
    start()
    doomed = add_worker()
    record(called(doomed))
    die(doomed)
    work()
    assert ended()[0] == "completed"
    assert app.calls == {"step": 2, hash_of("a"): 1, hash_of("b"): 1}


def test_of_parallel_steps_only_the_one_whose_worker_died_is_run_again(app: SdkApp) -> None:
    codes = {name: Failing(0, name) for name in "ab"}
    serve(app, lambda event: (yield [run(name, code) for name, code in codes.items()]))
    start()
    record(called())
    doomed, alive = add_worker(), add_worker()
    late = call(doomed, 1)
    record(called(alive))
    die(doomed)
    record(late or [])
    assert app.calls["step"] == 1
    work()
    assert ended() == ("completed", ["a", "b"])
    assert sorted(code.runs for code in codes.values()) == [1, 2]
    assert app.calls["step"] == 2


def test_a_sleep_whose_worker_died_ends_all_the_same(app: SdkApp) -> None:
    serve(app, lambda event: (yield sleep("s", "0s")))
    start()
    record(called())
    doomed = add_worker()
    late = called(doomed)
    die(doomed)
    record(late)
    work()
    assert ended() == ("completed", None)
    assert app.calls == {"step": 2}


def test_a_call_that_is_to_plan_only_is_that_too_when_it_comes_back(app: SdkApp) -> None:
    app.version = 1
    serve(app, lambda event: (yield [run("a"), run("b")]))
    start()
    record(called())
    record(called())
    doomed = add_worker()
    claim(doomed)
    die(doomed)
    work()
    assert ended()[0] == "completed"
    assert all(body["ctx"]["disable_immediate_execution"] for body in app.seen if body["steps"])


@pytest.mark.parametrize("held", ["call", "step", "sleep"])
def test_what_kills_its_workers_again_and_again_ends(app: SdkApp, settings: Any, held: str) -> None:
    """A call with the run; a sleep as a step that has failed."""
    settings.LEASE_SECONDS, settings.LEASE_MAX_RETURNS = LEASE_SECONDS, 3

    def program(event: object) -> Steps:
        try:
            yield [run("a"), run("b")] if held == "step" else sleep("s", "0s")
        except StepFault as fault:
            return str(fault)

    serve(app, program, attempts=3)
    start()
    if held != "call":
        record(called())
    for _ in range(3):
        doomed = add_worker()
        assert claim(doomed, 1) is not None
        silence(doomed)
        reclaim_leases()
    work()
    status, value = the_run().status, output_of(the_run())
    if held == "sleep":
        assert (status, value[:16]) == ("completed", "its worker died,")
    else:
        assert status == "failed"
        assert value["name"] == "WorkerDied"
    assert left_over() == {}
