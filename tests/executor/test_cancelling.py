"""A cancelled run ends at once, whatever its steps wait for."""

import pytest

from apps.executor.drain import Drain
from apps.executor.recording import record
from apps.state.ending import cancel_run
from apps.state.models import History, LeasedItem, ReadyItem, Run, Step
from apps.state.workers import reclaim_lost
from drivers.contract import Call, Outcome
from tests.executor.finishing import lease, leased_runs, start, with_outcome
from tests.functions import ScriptedDriver, fail, left_over, statuses, succeed
from tests.state.items import LEASE_SECONDS, QUEUE, add_worker, execute, silence

pytestmark = pytest.mark.django_db


@pytest.fixture
def queued_run() -> str:
    start({"a": (), "b": ()})
    return Run.objects.get().pk


@pytest.fixture
def retrying_run() -> str:
    """Its step failed and is tried again in an hour."""
    (run,) = leased_runs(runs=1, attempts=2)
    record([with_outcome(run["step-1"], fail(retry_after=3_600))])
    return run["step-1"].item.run_id


@pytest.fixture
def running_run() -> str:
    """Its step is with a worker."""
    (run,) = leased_runs(runs=1)
    return run["step-1"].item.run_id


@pytest.mark.parametrize("state", ["queued_run", "retrying_run"])
def test_what_waits_is_taken_out_of_the_queue(request: pytest.FixtureRequest, state: str) -> None:
    run_id: str = request.getfixturevalue(state)
    assert cancel_run(run_id, "asked for")
    assert left_over() == {}
    assert statuses() == {"cancelled": 1}
    assert set(Step.objects.values_list("status", flat=True)) == {"cancelled"}
    last = History.objects.order_by("-id")[0]
    assert (last.kind, last.reason) == ("run.cancelled", "asked for")


def test_a_step_that_runs_keeps_its_worker_and_loses_its_result(running_run: str) -> None:
    assert cancel_run(running_run, "asked for")
    assert LeasedItem.objects.count() == 1
    assert statuses() == {"cancelled": 1}


def test_a_cancelled_step_that_its_dead_worker_left_is_dropped_and_never_called(
    running_run: str, driver: ScriptedDriver
) -> None:
    silence(LeasedItem.objects.get().worker_id)
    cancel_run(running_run, "asked for")
    reclaim_lost(LEASE_SECONDS, 5)
    assert ReadyItem.objects.count() == 1
    Drain(QUEUE).run()
    assert left_over() == {}
    assert not driver.calls


def test_a_run_that_is_cancelled_by_what_it_calls_ends_cancelled(driver: ScriptedDriver) -> None:
    """The cancellation is committed between the claim and the record, whose results are dropped."""
    start({"a": (), "b": ("a",)})
    (finished,) = lease(add_worker())

    def answer(call: Call) -> Outcome:
        return succeed()

    driver.answer = answer
    cancel_run(finished.item.run_id, "asked for")
    record([finished])
    Drain(QUEUE).run()
    assert not driver.calls
    assert statuses() == {"cancelled": 1}


def test_what_has_ended_cannot_be_cancelled(queued_run: str, driver: ScriptedDriver) -> None:
    Drain(QUEUE).run()
    assert statuses() == {"completed": 1}
    assert not cancel_run(queued_run, "too late")
    assert statuses() == {"completed": 1}
    assert not History.objects.filter(kind="run.cancelled").exists()


def test_a_run_is_cancelled_once(queued_run: str) -> None:
    assert cancel_run(queued_run, "first")
    assert not cancel_run(queued_run, "second")
    assert History.objects.filter(kind="run.cancelled").count() == 1


def test_a_run_that_does_not_exist_cannot_be_cancelled() -> None:
    assert not cancel_run("01" + "Z" * 24, "nothing there")


def test_other_runs_go_on(queued_run: str, driver: ScriptedDriver) -> None:
    start({"a": (), "b": ()})
    cancel_run(queued_run, "asked for")
    Drain(QUEUE).run()
    assert statuses() == {"cancelled": 1, "completed": 1}
    assert execute("SELECT count(*) FROM state_step WHERE status = 'open'") == [(0,)]
