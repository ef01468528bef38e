"""Whatever ends the steps of a run at once, on connections of their own: its function is called as often as it must."""

from collections.abc import Callable

import pytest

from apps.executor.finished import Finished
from apps.executor.recording import record
from apps.state.ending import cancel_run
from apps.state.models import ReadyItem, Run, Step, Wait
from apps.state.sdk.waiting import send_signal
from tests.executor.sdk.working import called, output_of, send, start, told, work
from tests.functions import dev_environment, left_over, statuses
from tests.runner.acting import consume_these
from tests.sdk_functions import (
    Race,
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
from tests.state.racing import race

pytestmark = pytest.mark.django_db(transaction=True)

ROUNDS = 60
SPREAD = 0.004
OWN = "async.data.n == event.data.n"

Calls = dict[tuple[str, str], Finished]


def calls() -> Calls:
    """The calls of all that is ready, by run and step."""
    return {(one.item.run_id, one.item.step_id): one for one in called()}


def recording(found: list[Finished]) -> Callable[[int], object]:
    return lambda number: record([found[number]])


def assert_called_once_each(run_ids: list[str]) -> None:
    """Of each run one call is queued, and it knows of no more."""
    assert sorted(ReadyItem.objects.filter(step_id="step").values_list("run_id", flat=True)) == sorted(run_ids)
    assert set(Step.objects.filter(step_id="step", run_id__in=run_ids).values_list("calls", flat=True)) == {1}


def assert_all_end(expected: dict[str, int]) -> None:
    work()
    assert statuses() == expected
    assert left_over() == {}
    assert not Step.objects.filter(status="open").exists()
    assert not Wait.objects.filter(status="open").exists()


@pytest.mark.parametrize("count", [2, 3])
def test_the_last_branches_at_once_have_the_function_called_once(app: SdkApp, count: int) -> None:
    names = [f"s{number}" for number in range(count)]
    serve(app, lambda event: (yield [run(name, lambda: 1) for name in names]))
    run_ids = start(ROUNDS)
    record(called())
    found = calls()
    race(ROUNDS, *[recording([found[run_id, hash_of(name)] for run_id in run_ids]) for name in names])
    assert_called_once_each(run_ids)
    assert_all_end({"completed": ROUNDS})
    assert app.calls["step"] == 2 * ROUNDS


def test_a_branch_and_the_event_of_a_wait_at_once_have_the_function_called_once(app: SdkApp) -> None:
    serve(app, lambda event: (yield [run("a"), wait("w", "answer", "1h", OWN)]))
    run_ids = start(ROUNDS)
    record(called())
    found = calls()
    seqs = [send("answer", n=number) for number in range(ROUNDS)]
    race(
        ROUNDS,
        recording([found[run_id, hash_of("a")] for run_id in run_ids]),
        lambda number: consume_these(seqs[number]),
        spread=SPREAD,
    )
    assert_called_once_each(run_ids)
    assert_all_end({"completed": ROUNDS})
    assert app.calls["step"] == 2 * ROUNDS


def test_steps_that_race_and_end_at_once_have_the_function_called_twice(app: SdkApp) -> None:
    def program(event: object) -> Steps:
        yield Race([run("a"), run("b")])
        yield run("then")

    serve(app, program)
    run_ids = start(ROUNDS)
    record(called())
    found = calls()
    a, b = ([found[run_id, hash_of(name)] for run_id in run_ids] for name in "ab")
    race(ROUNDS, recording(a), recording(b))
    assert ReadyItem.objects.filter(step_id="step").count() == 2 * ROUNDS
    by_run: dict[str, list[Finished]] = {}
    for one in called():
        by_run.setdefault(one.item.run_id, []).append(one)
    race(ROUNDS, *[recording([by_run[run_id][place] for run_id in run_ids]) for place in (0, 1)])
    assert ReadyItem.objects.filter(step_id=hash_of("then")).count() == ROUNDS
    assert_all_end({"completed": ROUNDS})
    assert app.calls[hash_of("then")] == ROUNDS


def test_an_invoke_ends_with_its_answer_or_its_time_out_but_never_both(app: SdkApp) -> None:
    def program(event: object) -> Steps:
        try:
            return (yield invoke("i", "callee", timeout="0s"))
        except StepFault:
            return "timed out"

    def callee(event: object) -> Steps:
        yield from ()
        return "answered"

    serve(app, program)
    serve(app, callee, "callee", event="")
    run_ids = start(ROUNDS)
    record(called())
    found = calls()
    callees = dict(Run.objects.exclude(invoker_id=None).values_list("invoker_id", "id"))
    race(
        ROUNDS,
        recording([found[run_id, hash_of("i")] for run_id in run_ids]),
        recording([found[callees[run_id], "step"] for run_id in run_ids]),
        spread=SPREAD,
    )
    assert_called_once_each(run_ids)
    assert_all_end({"completed": 2 * ROUNDS})
    runs = [Run.objects.get(pk=run_id) for run_id in run_ids]
    assert {output_of(one) for one in runs} == {"timed out", "answered"}, "they have hardly met"
    assert {len(told(one, "step.completed", "step.failed")) for one in runs} == {1}


def test_an_answer_for_a_run_that_is_cancelled_resumes_nothing(app: SdkApp) -> None:
    serve(app, lambda event: (yield invoke("i", "callee")))
    serve(app, nothing, "callee", event="")
    run_ids = start(ROUNDS)
    record(called())
    found = calls()
    callees = dict(Run.objects.exclude(invoker_id=None).values_list("invoker_id", "id"))
    race(
        ROUNDS,
        recording([found[callees[run_id], "step"] for run_id in run_ids]),
        lambda number: cancel_run(run_ids[number], "asked for"),
        spread=SPREAD,
    )
    assert_all_end({"completed": ROUNDS, "cancelled": ROUNDS})


def test_runs_and_those_that_they_invoked_do_not_wait_for_each_other_in_a_circle(app: SdkApp) -> None:
    def program(event: object) -> Steps:
        yield [invoke("i", "callee"), run("a")]

    serve(app, program)
    serve(app, nothing, "callee", event="")
    run_ids = start(ROUNDS)
    record(called())
    found = calls()
    size = 10
    own = [one for (_, step), one in found.items() if step != "step"]
    invoked = [one for (_, step), one in found.items() if step == "step"]
    race(
        ROUNDS // size,
        lambda number: record(own[number * size :][:size]),
        lambda number: record(invoked[::-1][-(number + 1) * size :][:size]),
    )
    assert_called_once_each(run_ids)
    assert_all_end({"completed": 2 * ROUNDS})


def test_a_function_returns_while_an_event_arrives_that_it_does_not_wait_for_any_more(app: SdkApp) -> None:
    def program(event: object) -> Steps:
        yield Race([run("a"), wait("w", "answer", "1h", OWN)])
        return "over"

    serve(app, program)
    run_ids = start(ROUNDS)
    record(called())
    record(called())
    found = calls()
    seqs = [send("answer", n=number) for number in range(ROUNDS)]
    race(
        ROUNDS,
        recording([found[run_id, "step"] for run_id in run_ids]),
        lambda number: consume_these(seqs[number]),
        spread=SPREAD,
    )
    assert statuses() == {"completed": ROUNDS}
    assert_all_end({"completed": ROUNDS})
    assert {len(told(one, "run.completed")) for one in Run.objects.all()} == {1}


def test_nothing_that_an_answer_asks_for_outlives_a_cancel(app: SdkApp) -> None:
    asks = [run("a"), sleep("s", "1h"), wait("w", "answer"), invoke("i", "callee", timeout="1h")]
    serve(app, lambda event: (yield asks))
    serve(app, nothing, "callee", event="")
    run_ids = start(ROUNDS)
    found = calls()
    race(
        ROUNDS,
        recording([found[run_id, "step"] for run_id in run_ids]),
        lambda number: cancel_run(run_ids[number], "asked for"),
        spread=SPREAD,
    )
    invoked = Run.objects.exclude(invoker_id=None).count()
    assert 0 < invoked < ROUNDS, "one side won every round, so they have hardly met"
    assert_all_end({"cancelled": ROUNDS, "completed": invoked})


@pytest.mark.parametrize("conflict", ["fail", "replace"])
def test_of_two_runs_that_wait_for_one_signal_at_once_one_does(app: SdkApp, conflict: str) -> None:
    def program(event: dict[str, dict[str, int]]) -> Steps:
        try:
            return (yield signal("s", f"go-{event['data']['n'] // 2}", conflict=conflict))
        except StepFault as fault:
            return str(fault)

    serve(app, program)
    run_ids = start(2 * ROUNDS)
    found = calls()
    pairs = [[found[run_id, "step"] for run_id in run_ids[place::2]] for place in (0, 1)]
    race(ROUNDS, *[recording(one) for one in pairs], spread=SPREAD / 4)
    assert Wait.objects.filter(kind="signal", status="open").count() == ROUNDS
    handed = [send_signal(dev_environment().pk, f"go-{number}", b"1") for number in range(ROUNDS)]
    assert None not in handed
    work()
    outputs = [output_of(Run.objects.get(pk=run_id)) for run_id in handed]
    assert outputs == [{"signal": f"go-{number}", "data": 1} for number in range(ROUNDS)]
    assert statuses() == ({"completed": 2 * ROUNDS} if conflict == "fail" else {"completed": ROUNDS, "running": ROUNDS})


def test_a_signal_goes_to_whoever_waits_for_it_while_one_run_takes_it_from_another(app: SdkApp) -> None:
    def program(event: dict[str, dict[str, int]]) -> Steps:
        got = yield signal("s", f"go-{event['data']['n'] % ROUNDS}", conflict="replace")
        return got["data"]

    serve(app, program)
    run_ids = start(2 * ROUNDS)
    found = calls()
    record([found[run_id, "step"] for run_id in run_ids[:ROUNDS]])
    [_, handed] = race(
        ROUNDS,
        recording([found[run_id, "step"] for run_id in run_ids[ROUNDS:]]),
        lambda number: send_signal(dev_environment().pk, f"go-{number}", b"1"),
        spread=SPREAD,
    )
    assert None not in handed
    assert set(handed) & set(run_ids[:ROUNDS]), "they have hardly met"
    work()
    for run_id in handed:
        assert output_of(Run.objects.get(pk=run_id)) == 1
    assert statuses() == {"completed": ROUNDS, "running": ROUNDS}


def test_a_signal_that_is_sent_twice_at_once_is_handed_over_once(app: SdkApp) -> None:
    serve(app, lambda event: (yield signal("s", f"go-{event['data']['n']}")))
    start(ROUNDS)
    work()
    first, second = race(
        ROUNDS, *[lambda number: send_signal(dev_environment().pk, f"go-{number}", b"1")] * 2, spread=SPREAD / 4
    )
    assert [(one is None) != (other is None) for one, other in zip(first, second, strict=True)] == [True] * ROUNDS
    assert_all_end({"completed": ROUNDS})
