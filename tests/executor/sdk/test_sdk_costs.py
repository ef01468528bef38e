"""What calls of SDK functions cost: as many statements for a batch of 16 as for one."""

import pytest

from apps.executor.finished import Finished
from apps.executor.loading import load
from apps.executor.recording import record
from apps.state import queue
from tests.clock import Clock
from tests.executor.sdk.working import answered, call, called, send, start, work
from tests.functions import statuses
from tests.runner.acting import consume_these
from tests.sdk_functions import (
    Failing,
    SdkApp,
    StepFault,
    Steps,
    hash_of,
    invoke,
    nothing,
    run,
    serve,
    signal,
    sleep,
    wait,
)
from tests.state.counting import statements
from tests.state.items import QUEUE, add_worker

pytestmark = pytest.mark.django_db

SIZES = pytest.mark.parametrize("size", [1, 16])
# The runs' lock, the end of the leases, what is known of the runs, their steps, what is queued next.
A_RECORD = 5
# What becomes of the runs: of one that begins it is told that it runs, of one that ends that it has.
SETTLING = 1


def three_steps(event: object) -> Steps:
    for name in "abc":
        yield run(name)


def recorded(finished: list[Finished]) -> list[str]:
    with statements() as seen:
        record(finished)
    return seen


@SIZES
def test_a_claim_is_a_statement_and_what_its_calls_carry_two_more(app: SdkApp, size: int) -> None:
    serve(app, three_steps)
    start(size + 1)
    record(call(add_worker(), 1) or [])  # this process has read the function
    worker = add_worker()
    with statements() as seen:
        items = queue.claim(QUEUE, worker, 100, 0)
    assert len(seen) == 1
    with statements() as seen:
        loaded = load(items, worker)
    assert len(seen) == 2, seen
    assert len(answered(loaded)) == size + 1


@SIZES
def test_records_of_steps_in_a_row(app: SdkApp, size: int) -> None:
    serve(app, three_steps)
    start(size)
    first = recorded(called())
    assert len(first) == A_RECORD + SETTLING, first
    assert statuses() == {"running": size}
    middle = recorded(called())
    assert len(middle) == A_RECORD, middle
    recorded(called())
    last = recorded(called())
    # Nothing is queued, and nobody is told.
    assert len(last) == A_RECORD - 1 + SETTLING, last
    assert statuses() == {"completed": size}


@SIZES
@pytest.mark.parametrize("count", [2, 8])
def test_records_of_parallel_steps_cost_the_same_for_any_number(app: SdkApp, size: int, count: int) -> None:
    serve(app, lambda event: (yield [run(f"s{number}") for number in range(count)]))
    start(size)
    planned = recorded(called())
    assert len(planned) == A_RECORD + SETTLING, planned
    steps = called()
    last = [one for one in steps if one.item.step_id == hash_of("s0")]
    others = [one for one in steps if one.item.step_id != hash_of("s0")]
    assert len(recorded(others)) == A_RECORD - 1  # nothing is queued
    assert len(recorded(last)) == A_RECORD
    work()
    assert statuses() == {"completed": size}


@SIZES
def test_a_sleep_costs_what_a_step_costs_and_a_failing_step_one_statement_more(
    app: SdkApp, clock: Clock, size: int
) -> None:
    code = Failing(0)

    def program(event: object) -> Steps:
        yield run("first")
        yield sleep("s", "1h")
        yield run("a", code)

    serve(app, program, attempts=2)
    start(size)
    record(called())
    assert len(recorded(called())) == A_RECORD
    clock.move(hours=2)
    from apps.state.scheduling import promote_due

    promote_due()
    assert len(recorded(called())) == A_RECORD
    code.times = 1_000
    seen = recorded(called())
    assert len(seen) == A_RECORD, seen  # the next try is queued in place of a call


@SIZES
def test_a_wait_costs_what_opening_it_costs_and_its_event_what_a_record_does(app: SdkApp, size: int) -> None:
    def program(event: object) -> Steps:
        yield run("first")
        yield wait("w", "answer", "1h", "async.data.k == event.data.k")

    serve(app, program)
    start(size, k=1)
    record(called())
    seen = recorded(called())
    # The values of the expression, the waits with their probes, and the history.
    assert len(seen) == A_RECORD + 3, seen
    work()
    seq = send("answer", k=1)
    with statements() as seen:
        consume_these(seq)
    assert len(seen) <= 16, seen
    work()
    assert statuses() == {"completed": size}


@SIZES
def test_signals_and_invokes_cost_the_same_for_any_number(app: SdkApp, size: int) -> None:
    def signals(event: dict[str, dict[str, int]]) -> Steps:
        yield run("first")
        yield signal("s", f"go-{event['data']['n']}")

    def invokes(event: object) -> Steps:
        yield run("first")
        try:
            yield invoke("i", "callee")
        except StepFault:
            return

    serve(app, signals)
    start(size)
    record(called())
    # Who waits already: the lock and the look-up; then the waits and the history.
    seen = recorded(called())
    assert len(seen) == A_RECORD + 2 + 2, seen
    serve(app, invokes)
    serve(app, nothing, "callee", event="")
    start(size)
    record(called())
    # The functions, their events, their runs with the first calls.
    seen = recorded(called())
    assert len(seen) <= A_RECORD + 6, seen
    [ending] = [called()]
    seen = recorded(ending)
    assert len(ending) == size
    # That the callees have ended, what they came to, and what is known of those that invoked them, written and called.
    assert len(seen) <= A_RECORD + SETTLING + 6, seen
    work()
    assert statuses() == {"completed": 2 * size, "running": size}
