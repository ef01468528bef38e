"""What steps cost: as many statements and rings for a batch of 100 as for one step."""

import threading
from collections.abc import Callable

import pytest

from apps.executor.drain import Drain
from apps.executor.recording import record
from apps.executor.worker import WorkerProcess
from apps.state import queue
from apps.state.ending import cancel_run
from apps.state.models import Run
from drivers.contract import Call, Outcome
from tests.executor.finishing import lease, start, with_outcome
from tests.functions import Rings, ScriptedDriver, fail, statuses, succeed
from tests.state.counting import statements
from tests.state.items import QUEUE, add_worker

pytestmark = pytest.mark.django_db

SIZES = pytest.mark.parametrize("size", [1, 10, 100])
# The runs' lock, the end of the leases, the end of the attempts and steps, what becomes of the runs.
A_RECORD = 4
AN_EMPTY_CLAIM = 1


@pytest.fixture
def at_once() -> Callable[[int], Callable[[Call], Outcome]]:
    """Answers that are given when so many calls are in flight, so that all finish together."""

    def answers(calls: int) -> Callable[[Call], Outcome]:
        together = threading.Barrier(calls, timeout=30)

        def answer(call: Call) -> Outcome:
            together.wait()
            return succeed()

        return answer

    return answers


@pytest.fixture
def warm(worker: WorkerProcess, driver: ScriptedDriver) -> None:
    """The worker has its row, and this process has run the function before."""
    start()
    Drain(QUEUE).run()


@SIZES
def test_the_end_of_one_step_runs_costs_the_same_for_any_number(size: int) -> None:
    start(runs=size)
    finished = lease(add_worker())
    with statements() as seen:
        record(finished)
    assert len(seen) == A_RECORD, seen
    assert statuses() == {"completed": size}


@SIZES
def test_steps_that_others_follow_cost_one_statement_more(size: int) -> None:
    start({"a": (), "b": ("a",), "c": ("a",)}, runs=size)
    finished = lease(add_worker())
    with statements() as seen:
        recorded = record(finished)
    assert len(seen) == A_RECORD + 1, seen
    assert recorded.wakes.ready == {QUEUE: 2 * size}


@SIZES
def test_steps_that_are_to_be_tried_again_cost_one_statement_more(size: int) -> None:
    start(runs=size, attempts=2)
    finished = [with_outcome(one, fail()) for one in lease(add_worker())]
    with statements() as seen:
        record(finished)
    assert len(seen) == A_RECORD + 1, seen


@SIZES
def test_a_claim_with_what_it_needs_is_two_statements(size: int) -> None:
    start(runs=size + 1)
    worker = add_worker()
    lease(worker, 1)  # has read the function
    with statements() as seen:
        assert len(lease(worker)) == size
    assert len(seen) == 2, seen


@SIZES
def test_a_claim_of_functions_of_several_steps_reads_their_outputs_too(size: int) -> None:
    start({"a": (), "b": ("a",)}, runs=size)
    worker = add_worker()
    record(lease(worker))
    with statements() as seen:
        assert len(lease(worker)) == size
    assert len(seen) == 3, seen


@pytest.mark.usefixtures("warm")
@SIZES
def test_a_drain_of_one_step_runs_costs_the_same_for_any_number_of_slots(
    settings: object,
    driver: ScriptedDriver,
    rings: Rings,
    at_once: Callable[[int], Callable[[Call], Outcome]],
    size: int,
) -> None:
    settings.STEP_SLOTS = size  # type: ignore[attr-defined]
    start(runs=size)
    drain = Drain(QUEUE)
    driver.answer = at_once(size)
    rings.take()
    with statements() as seen:
        drain.run()
    assert statuses() == {"completed": size + 1}
    # What finishes while the first of it is recorded is recorded next, so a hundred threads may need a few records.
    claims = [one for one in seen if one.startswith("WITH RECURSIVE turn")]
    locks = [one for one in seen if "FROM state_run WHERE id = ANY" in one]
    assert len(locks) <= 4
    assert len(claims) <= len(locks) + 1
    assert len(seen) == len(claims) + 1 + len(locks) * A_RECORD, seen
    # Its slots are full: another worker may help. Nothing else is said.
    assert rings.take() == {("executor.drain", QUEUE): 1}


@pytest.mark.usefixtures("warm")
def test_an_empty_queue_costs_one_claim(rings: Rings) -> None:
    rings.take()
    with statements() as seen:
        Drain(QUEUE).run()
    assert len(seen) == AN_EMPTY_CLAIM
    assert not rings.take()


@pytest.mark.usefixtures("warm")
def test_a_chain_of_steps_rings_nobody_as_it_goes_on_by_itself(driver: ScriptedDriver, rings: Rings) -> None:
    start({f"s{n}": (f"s{n - 1}",) if n else () for n in range(10)})
    Drain(QUEUE).run()  # has read the function now
    start({f"s{n}": (f"s{n - 1}",) if n else () for n in range(10)})
    rings.take()
    with statements() as seen:
        Drain(QUEUE).run()
    assert not rings.take()
    # Each step: claim, run and event, outputs, record; all but the last plan one more. And a claim that finds nothing.
    assert len(seen) == 10 * (3 + A_RECORD) + 9 + AN_EMPTY_CLAIM, seen


@SIZES
def test_the_retries_of_a_batch_share_their_rings(driver: ScriptedDriver, rings: Rings, size: int) -> None:
    driver.answer = lambda call: fail(retry_after=7.1)
    start(runs=size, attempts=2)
    rings.take()
    Drain(QUEUE).run()
    woken = [ring.countdown for ring in rings.heard if ring.task == "executor.wake_due"]
    # One for each quarter of a second in which some of them were recorded.
    assert 1 <= len(woken) <= 4
    assert all(countdown is not None and 7.0 < countdown < 9.0 for countdown in woken)


def test_a_cancel_costs_seven_statements_whatever_the_run_has_open() -> None:
    start({f"s{n}": () for n in range(50)})
    run = Run.objects.get()
    with statements() as seen:
        assert cancel_run(run.pk, "asked for")
    assert len(seen) == 7, seen


def test_giving_back_is_one_statement() -> None:
    start(runs=100)
    worker = add_worker()
    lease(worker)
    with statements() as seen:
        assert queue.give_back(worker) == {QUEUE}
    assert len(seen) == 1
