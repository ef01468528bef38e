"""Steps that race, and version 1 of the protocol: each that ends has the function called, to plan and nothing else."""

import pytest

from apps.executor.recording import record
from tests.clock import Clock
from tests.executor.sdk.working import called, ended, send, start, the_run, told, work
from tests.functions import fail
from tests.sdk_functions import Failing, Race, SdkApp, Steps, hash_of, run, serve, sleep, wait

pytestmark = pytest.mark.django_db


def plan_only(app: SdkApp) -> list[bool]:
    """Of the calls of the function itself, in order."""
    return [body["ctx"]["disable_immediate_execution"] for body in app.seen if body["ctx"]["step_id"] == "step"]


def test_each_step_that_races_has_the_function_called(app: SdkApp) -> None:
    codes = [Failing(0, number) for number in range(3)]

    def program(event: object) -> Steps:
        first = yield Race([run(f"s{number}", code) for number, code in enumerate(codes)])
        # Asked for again by each call, as long as it does not know the results.
        both = yield [run("x", lambda: first), run("y", lambda: 5)]
        return both

    serve(app, program)
    start()
    work(1)
    assert ended() == ("completed", [0, 5])
    assert all(code.runs <= 1 for code in codes)
    assert app.calls[hash_of("x")] == app.calls[hash_of("y")] == 1
    assert 3 <= app.calls["step"] <= 1 + 3 + 1
    assert plan_only(app)[0] is False
    assert all(plan_only(app)[1:4])


def test_a_function_goes_on_with_the_first_that_ends_and_the_others_are_taken_away(app: SdkApp) -> None:
    def program(event: object) -> Steps:
        return (yield Race([run("fast", lambda: "fast"), sleep("slow", "1h"), wait("never", "never")]))

    serve(app, program)
    start()
    work()
    assert ended() == ("completed", "fast")
    assert app.calls == {"step": 2, hash_of("fast"): 1}


def test_steps_after_a_race_do_not_wait_for_what_has_lost_it(app: SdkApp) -> None:
    codes = [Failing(0, number) for number in range(3)]

    def program(event: object) -> Steps:
        yield Race([run("a", codes[0]), wait("late", "late", "1d")])
        b = yield run("b", codes[1])
        c = yield run("c", codes[2])
        return [b, c]

    serve(app, program)
    start()
    work()
    assert ended() == ("completed", [1, 2])
    assert [code.runs for code in codes] == [1, 1, 1]


def test_parallel_steps_after_a_race_wait_for_each_other_and_not_for_what_has_lost_it(app: SdkApp) -> None:
    def program(event: object) -> Steps:
        yield Race([run("a"), wait("late", "late", "1d")])
        return (yield [run("b", lambda: 1), run("c", lambda: 2), run("d", lambda: 3)])

    serve(app, program)
    start()
    work(1)
    assert ended() == ("completed", [1, 2, 3])
    assert app.calls["step"] == 3


def test_while_something_races_no_call_runs_a_step_so_that_none_runs_twice(app: SdkApp) -> None:
    code = Failing(0, "b")

    def program(event: object) -> Steps:
        yield Race([run("a"), wait("late", "late", "1d")])
        yield run("b", code)
        got = yield run("c", lambda: "c")
        return got

    serve(app, program)
    start()
    record(called())
    record(called())  # a has run
    record(called())  # asks for b
    record(called())  # b has run
    [before] = called()  # asks for c, without having seen what comes now
    send("late")
    work()
    record([before])
    work()
    assert ended() == ("completed", "c")
    assert code.runs == 1
    assert app.calls[hash_of("c")] == 1
    assert all(plan_only(app)[1:])


def test_a_race_in_which_a_later_event_wins(app: SdkApp, clock: Clock) -> None:
    def program(event: object) -> Steps:
        got = yield Race([sleep("slow", "1h"), wait("e", "answer")])
        return got["data"]["n"]

    serve(app, program)
    start()
    work()
    send("answer", n=7)
    work()
    assert ended() == ("completed", 7)


@pytest.mark.parametrize("most", [1, 2, 100])
def test_in_version_1_each_of_several_steps_has_the_function_called(app: SdkApp, most: int) -> None:
    app.version = 1
    codes = [Failing(0, number) for number in range(4)]

    def program(event: object) -> Steps:
        found = yield [run(f"s{number}", code) for number, code in enumerate(codes)]
        last = yield run("last", lambda: sum(found))
        return last

    serve(app, program)
    start()
    work(most)
    assert ended() == ("completed", 6)
    assert [code.runs for code in codes] == [1] * 4
    # One to begin with, one for each of the four, and what comes after the last step.
    assert 1 + 4 < app.calls["step"] <= 1 + 4 + 2
    assert all(plan_only(app)[1:5])
    assert app.calls[hash_of("last")] <= 1


def test_in_version_1_a_single_step_is_run_at_once(app: SdkApp) -> None:
    app.version = 1

    def program(event: object) -> Steps:
        a = yield run("a", lambda: 1)
        b = yield run("b", lambda: 2)
        return [a, b]

    serve(app, program)
    start()
    work()
    assert ended() == ("completed", [1, 2])
    assert app.calls == {"step": 3}
    assert plan_only(app) == [False] * 3


def test_calls_that_race_are_not_lost_and_none_doubled(app: SdkApp) -> None:
    """Both results are recorded before either of the calls that they cause is answered."""

    def program(event: object) -> Steps:
        first = yield Race([run("a", lambda: 1), run("b", lambda: 2)])
        then = yield run("then", lambda: first)
        return then

    serve(app, program)
    start()
    record(called())
    for one in called():
        record([one])
    calls = called()
    assert len(calls) == 2
    record(calls)
    work()
    assert ended() == ("completed", 1)
    assert app.calls[hash_of("then")] == 1
    assert the_run().status == "completed"


def test_a_call_that_is_to_plan_only_is_that_too_when_it_is_tried_again(app: SdkApp) -> None:
    app.version = 1
    app.answer = lambda call: fail(retry_after=0) if app.calls["step"] in {2, 3} else None
    serve(app, lambda event: (yield [run("a"), run("b")]), attempts=3)
    start()
    work()
    assert ended()[0] == "completed"
    assert plan_only(app)[0] is False
    assert len(plan_only(app)) > 3
    assert all(plan_only(app)[1:])


def test_a_call_that_adds_nothing_while_another_is_under_way_is_no_fault(app: SdkApp) -> None:
    def program(event: object) -> Steps:
        yield Race([run("a"), run("b")])
        got = yield run("then", lambda: "then")
        return got

    app.answer = lambda call: app.asks([]) if app.calls["step"] == 2 else None
    serve(app, program)
    start()
    work()
    assert ended() == ("completed", "then")
    assert told(the_run(), "step.retrying") == []
