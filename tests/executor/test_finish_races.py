"""Finishing, cancelling and losing a lease at once: a run ends, once, and every result counts once."""

from collections import Counter

import pytest

from apps.executor.recording import record
from apps.state.ending import cancel_run
from apps.state.models import History, LeasedItem, ReadyItem, Run, Step, Worker
from apps.state.scheduling import promote_due
from apps.state.workers import reclaim_lost
from tests.executor.finishing import lease, leased_runs, start, with_outcome
from tests.functions import fail, left_over, statuses
from tests.state.items import LEASE_SECONDS, add_worker, execute, silence
from tests.state.racing import race

pytestmark = pytest.mark.django_db(transaction=True)

ROUNDS = 200


def entries(kind: str) -> Counter[str]:
    """How often each run's history has an entry of this kind."""
    return Counter(History.objects.filter(kind=kind).values_list("run_id", flat=True))


def test_two_last_branches_that_finish_at_once_end_the_run_once() -> None:
    runs = leased_runs({"left": (), "right": ()}, runs=ROUNDS)
    race(
        ROUNDS,
        lambda number: record([runs[number]["left"]]),
        lambda number: record([runs[number]["right"]]),
    )
    assert statuses() == {"completed": ROUNDS}
    assert set(entries("run.completed").values()) == {1}
    assert left_over() == {}


def test_a_last_branch_that_fails_while_another_completes_fails_the_run_once() -> None:
    runs = leased_runs({"left": (), "right": ()}, runs=ROUNDS)
    race(
        ROUNDS,
        lambda number: record([runs[number]["left"]]),
        lambda number: record([with_outcome(runs[number]["right"], fail())]),
    )
    assert statuses() == {"failed": ROUNDS}
    assert set(entries("run.failed").values()) == {1}
    assert Counter(Step.objects.values_list("status", flat=True)) == {"completed": ROUNDS, "failed": ROUNDS}


def test_a_step_that_two_edges_reach_at_once_is_planned_once() -> None:
    runs = leased_runs({"left": (), "right": (), "both": ("left", "right")}, runs=ROUNDS)
    race(
        ROUNDS,
        lambda number: record([runs[number]["left"]]),
        lambda number: record([runs[number]["right"]]),
    )
    assert Step.objects.filter(step_id="both").count() == ROUNDS
    assert ReadyItem.objects.count() == ROUNDS
    assert statuses() == {"running": ROUNDS}
    record(lease(add_worker()))
    assert statuses() == {"completed": ROUNDS}
    assert left_over() == {}


def test_batches_over_the_same_runs_do_not_wait_for_each_other_in_a_circle() -> None:
    size = 10
    runs = leased_runs({"left": (), "right": (), "then": ("left",)}, runs=20 * size)
    batches = [runs[start : start + size] for start in range(0, len(runs), size)]
    race(
        len(batches),
        lambda number: record([run["left"] for run in batches[number]]),
        lambda number: record([run["right"] for run in reversed(batches[number])]),
    )
    record(lease(add_worker()))
    assert statuses() == {"completed": len(runs)}


def test_a_run_is_finished_or_cancelled_but_never_both() -> None:
    runs = leased_runs(runs=ROUNDS)
    run_ids = [run["step-1"].item.run_id for run in runs]

    def finish(number: int) -> bool:
        return bool(record([runs[number]["step-1"]]).history)

    def cancel(number: int) -> bool:
        return cancel_run(run_ids[number], "asked for")

    _, cancelled = race(ROUNDS, finish, cancel)
    status = dict(Run.objects.values_list("id", "status"))
    assert [status[run_id] for run_id in run_ids] == ["cancelled" if one else "completed" for one in cancelled]
    ends = entries("run.completed") + entries("run.cancelled")
    assert Counter(ends.values()) == {1: ROUNDS}
    step_status = dict(Step.objects.values_list("run_id", "status"))
    assert step_status == status
    assert left_over() == {}


def test_nothing_that_a_finish_plans_outlives_a_cancel() -> None:
    runs = leased_runs({"first": (), "then": ("first",)}, runs=ROUNDS)
    run_ids = [run["first"].item.run_id for run in runs]
    race(
        ROUNDS,
        lambda number: bool(record([runs[number]["first"]]).history),
        lambda number: cancel_run(run_ids[number], "asked for"),
        spread=0.002,
    )
    assert statuses() == {"cancelled": ROUNDS}
    assert left_over() == {}
    assert not Step.objects.filter(status="open").exists()


def test_only_one_of_two_cancels_counts() -> None:
    start(runs=100)
    run_ids = list(Run.objects.values_list("id", flat=True))
    first, second = race(100, *[lambda number: cancel_run(run_ids[number], "asked for")] * 2)
    assert [one != other for one, other in zip(first, second, strict=True)] == [True] * 100
    assert set(entries("run.cancelled").values()) == {1}
    assert left_over() == {}


def test_a_retry_that_becomes_due_does_not_outlive_a_cancel() -> None:
    runs = leased_runs(runs=ROUNDS, attempts=2)
    run_ids = [run["step-1"].item.run_id for run in runs]
    record([with_outcome(run["step-1"], fail(retry_after=3_600)) for run in runs])

    def make_due(number: int) -> None:
        execute("UPDATE state_scheduleditem SET due_at = now() WHERE run_id = %s", (run_ids[number],))

    def promote(number: int) -> None:
        promote_due()
        if number + 1 < ROUNDS:
            make_due(number + 1)

    make_due(0)
    race(ROUNDS, promote, lambda number: cancel_run(run_ids[number], "asked for"), spread=0.001)
    assert statuses() == {"cancelled": ROUNDS}
    assert left_over() == {}


def test_a_lease_is_returned_or_its_result_counts_but_never_both() -> None:
    start(runs=ROUNDS)
    workers = [add_worker() for _ in range(ROUNDS)]
    finished = [lease(worker, 1)[0] for worker in workers]

    def finish(number: int) -> bool:
        return bool(record([finished[number]]).history)

    def bury(number: int) -> bool:
        returned = bool(reclaim_lost(LEASE_SECONDS, 5).queues)
        if number + 1 < ROUNDS:
            silence(workers[number + 1])
        return returned

    silence(workers[0])
    counted, returned = race(ROUNDS, finish, bury)
    assert [one != other for one, other in zip(counted, returned, strict=True)] == [True] * ROUNDS
    assert statuses() == Counter({"completed": sum(counted), "queued": sum(returned)}) - Counter()
    assert ReadyItem.objects.count() == sum(returned)
    assert not LeasedItem.objects.exists()
    assert not Worker.objects.exists()
    # What came back runs again, and its first worker's result is gone.
    record(lease(add_worker()))
    assert statuses() == {"completed": ROUNDS}
    assert set(entries("run.completed").values()) == {1}
