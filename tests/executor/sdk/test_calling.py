"""When functions are called: once for each step in a row, once for all that run side by side."""

import pytest

from apps.executor.recording import record
from tests.executor.sdk.working import called, ended, output_of, start, step_of, story, the_run, told, work
from tests.sdk_functions import Failing, SdkApp, Steps, hash_of, nothing, run, serve, sleep, wait

pytestmark = pytest.mark.django_db


def test_a_function_without_steps_is_called_once_and_its_value_ends_the_run(app: SdkApp) -> None:
    def program(event: dict[str, object]) -> Steps:
        yield from ()
        return {"got": event["data"]}

    serve(app, program)
    start(a=1)
    work()
    assert ended() == ("completed", {"got": {"n": 0, "a": 1}})
    assert app.calls == {"step": 1}


def test_a_function_that_returns_nothing_completes_with_null(app: SdkApp) -> None:
    serve(app, nothing)
    start()
    work()
    assert ended() == ("completed", None)


def test_steps_in_a_row_are_run_in_the_calls_of_the_function_itself(app: SdkApp) -> None:
    codes = [Failing(0, value) for value in "abc"]

    def program(event: object) -> Steps:
        found = []
        for number, code in enumerate(codes):
            found.append((yield run(f"s{number}", code)))
        return found

    serve(app, program)
    start()
    work()
    assert ended() == ("completed", ["a", "b", "c"])
    assert app.calls == {"step": 4}
    assert [code.runs for code in codes] == [1, 1, 1]


@pytest.mark.parametrize("count", [2, 3, 7])
@pytest.mark.parametrize("most", [1, 2, 100])
def test_steps_side_by_side_cost_a_call_each_one_to_ask_for_them_and_one_after_the_last(
    app: SdkApp, count: int, most: int
) -> None:
    codes = [Failing(0, number) for number in range(count)]

    def program(event: object) -> Steps:
        return (yield [run(f"s{number}", code) for number, code in enumerate(codes)])

    serve(app, program)
    start()
    work(most)
    assert ended() == ("completed", list(range(count)))
    assert app.calls == {"step": 2} | {hash_of(f"s{number}"): 1 for number in range(count)}
    assert [code.runs for code in codes] == [1] * count


def test_after_parallel_steps_the_next_one_is_run_in_the_call_again(app: SdkApp) -> None:
    def program(event: object) -> Steps:
        a, b = yield [run("a", lambda: 1), run("b", lambda: 2)]
        c = yield run("c", lambda: a + b)
        return c

    serve(app, program)
    start()
    work()
    assert ended() == ("completed", 3)
    assert app.calls == {"step": 3, hash_of("a"): 1, hash_of("b"): 1}
    assert not any(body["ctx"]["disable_immediate_execution"] for body in app.seen)


def test_different_kinds_side_by_side_are_all_waited_for(app: SdkApp) -> None:
    def program(event: object) -> Steps:
        return (yield [run("a", lambda: 1), sleep("b", "0s"), wait("c", "never", "2020-01-01T00:00:00Z")])

    serve(app, program)
    start()
    work()
    assert ended() == ("completed", [1, None, None])
    assert app.calls["step"] == 2


@pytest.mark.parametrize("together", [True, False])
def test_the_last_of_parallel_steps_has_the_function_called_whether_recorded_alone_or_with_others(
    app: SdkApp, together: bool
) -> None:
    def program(event: object) -> Steps:
        return (yield [run(f"s{number}", lambda: 1) for number in range(3)])

    serve(app, program)
    start()
    record(called())
    steps = called()
    for batch in [steps] if together else [[one] for one in reversed(steps)]:
        record(batch)
    [last] = called()
    record([last])
    assert ended() == ("completed", [1, 1, 1])
    assert app.calls["step"] == 2


def test_results_come_back_in_the_order_in_which_their_steps_ended(app: SdkApp) -> None:
    def program(event: object) -> Steps:
        return (yield [run("a", lambda: 1), run("b", lambda: 2), run("c", lambda: 3)])

    serve(app, program)
    start()
    record(called())
    by_step = {one.item.step_id: one for one in called()}
    record([by_step[hash_of("c")]])
    record([by_step[hash_of("b")], by_step[hash_of("a")]])
    work()
    assert app.seen[-1]["ctx"]["stack"] == {"stack": [hash_of("c"), hash_of("b"), hash_of("a")], "current": 3}
    assert list(app.seen[-1]["steps"]) == [hash_of("c"), hash_of("b"), hash_of("a")]


def test_runs_do_not_see_each_others_steps(app: SdkApp) -> None:
    def program(event: dict[str, dict[str, int]]) -> Steps:
        n = event["data"]["n"]
        a = yield run("a", lambda: n)
        both = yield [run("b", lambda: n + 10), run("c", lambda: n + 20)]
        return [a, *both]

    serve(app, program)
    run_ids = start(5)
    work(3)
    from apps.state.models import Run

    assert [output_of(Run.objects.get(pk=run_id)) for run_id in run_ids] == [[n, n + 10, n + 20] for n in range(5)]


def test_a_call_carries_what_the_protocol_says(app: SdkApp) -> None:
    def program(event: object) -> Steps:
        yield run("a", lambda: {"x": 1})
        yield sleep("b", "0s")

    serve(app, program, attempts=4)
    [run_id] = start(a=1)
    work()
    first, last = app.seen[0], app.seen[-1]
    assert first["event"] == {"name": "test/event", "data": {"n": 0, "a": 1}, "id": "e", "ts": 1}
    assert first["events"] == [first["event"]]
    assert (first["steps"], first["version"], first["use_api"]) == ({}, -1, False)
    ctx = first["ctx"]
    ids = {ctx.pop(name) for name in ("qi_id", "job_id", "request_id")}
    assert len(ids) == 1
    assert ctx == {
        "run_id": run_id,
        "env": "dev",
        "step_id": "step",
        "attempt": 0,
        "max_attempts": 4,
        "disable_immediate_execution": False,
        "use_api": False,
        "stack": {"stack": [], "current": 0},
    }
    assert last["steps"] == {hash_of("a"): {"data": {"x": 1}}, hash_of("b"): None}
    assert last["version"] == 2


def test_the_version_in_which_a_function_answered_last_is_told_to_it(app: SdkApp) -> None:
    def program(event: object) -> Steps:
        yield run("a")
        app.version = 1
        yield run("b")

    serve(app, program)
    start()
    work()
    assert [body["version"] for body in app.seen] == [-1, 2, 1]


def test_a_call_for_one_step_names_it(app: SdkApp) -> None:
    def program(event: object) -> Steps:
        yield [run("a"), run("b")]

    serve(app, program)
    start()
    work()
    assert {body["ctx"]["step_id"] for body in app.seen} == {"step", hash_of("a"), hash_of("b")}


def test_history_reads_well(app: SdkApp) -> None:
    def program(event: object) -> Steps:
        yield run("fetch the user", lambda: 1)
        yield sleep("a while", "0s")
        yield [run("left"), run("right")]

    serve(app, program)
    start()
    work()
    one = the_run()
    assert [kind for kind, _ in story(one)] == ["run.queued", *["step.completed"] * 4, "run.completed"]
    assert told(one, "step.completed")[:2] == ["fetch the user: attempt 1 succeeded", "a while: it has slept"]
    assert sorted(told(one, "step.completed")[2:]) == ["left: attempt 1 succeeded", "right: attempt 1 succeeded"]
    assert told(one, "run.completed") == ["the function returned"]
    assert step_of(one, hash_of("fetch the user")).name == "fetch the user"
    assert one.started_at is not None
    assert one.ended_at is not None
