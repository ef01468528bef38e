"""Functions sleep, and wait for events: for the right one, until its time is over, and none is missed."""

import json
from datetime import timedelta

import pytest

from apps.executor.recording import record
from apps.runner import matching
from apps.runner.consume_events import consume_events
from apps.runner.probe_waits import probe_waits
from apps.runner.resume_wide_events import resume_wide_events
from apps.state.models import Attempt, ScheduledItem, Step, Wait
from tests.clock import Clock
from tests.executor.sdk.working import called, ended, output_of, send, start, step_of, the_run, told, work
from tests.functions import ScriptedDriver, fail, left_over, statuses, succeed
from tests.sdk_functions import SdkApp, StepFault, Steps, fetch, hash_of, run, serve, sleep, wait

pytestmark = pytest.mark.django_db

OWN = "async.data.id == event.data.id"


@pytest.mark.parametrize("until", [False, True])
def test_a_function_sleeps_for_as_long_as_it_says(app: SdkApp, clock: Clock, until: bool) -> None:
    at = (clock.now() + timedelta(seconds=90)).isoformat()

    def program(event: object) -> Steps:
        woken = yield sleep("s", at if until else "1m30s")
        return ["woken", woken]

    serve(app, program)
    start()
    work()
    assert left_over() == {"ScheduledItem": 1}
    assert the_run().status == "running"
    clock.move(seconds=89)
    work()
    assert app.calls == {"step": 1}
    clock.move(seconds=2)
    work()
    assert ended() == ("completed", ["woken", None])
    assert app.calls == {"step": 2}
    assert told(the_run(), "step.completed") == ["s: it has slept"]
    assert step_of(the_run(), hash_of("s")).op == "sleep"


@pytest.mark.parametrize("when", ["0s", "2020-01-01T00:00:00Z"])
def test_a_sleep_that_is_over_already_goes_on_at_once(app: SdkApp, when: str) -> None:
    serve(app, lambda event: (yield sleep("s", when)))
    start()
    work()
    assert ended() == ("completed", None)


def test_two_sleeps_side_by_side_end_with_the_longer(app: SdkApp, clock: Clock) -> None:
    def program(event: object) -> Steps:
        yield [sleep("short", "1m"), sleep("long", "1h")]

    serve(app, program)
    start()
    work()
    clock.move(minutes=2)
    work()
    assert app.calls == {"step": 1}
    clock.move(hours=1)
    work()
    assert ended()[0] == "completed"
    assert app.calls == {"step": 2}


def waiting(app: SdkApp, match: str | None = OWN, timeout: str = "1h") -> None:
    def program(event: object) -> Steps:
        got = yield wait("w", "answer", timeout, match)
        return got

    serve(app, program)


def test_a_function_gets_the_whole_event_that_it_waited_for(app: SdkApp) -> None:
    waiting(app)
    start(id=1)
    work()
    send("answer", id=2)
    send("question", id=1)
    work()
    assert the_run().status == "running"
    send("answer", id=1, more="x")
    work()
    assert ended() == ("completed", {"name": "answer", "data": {"id": 1, "more": "x"}, "id": "e", "ts": 1})
    assert app.calls == {"step": 2}
    [reason] = told(the_run(), "step.completed")
    assert reason.startswith("w: event answer ")
    assert told(the_run(), "wait.opened")[0].startswith("for answer with async.data.id == event.data.id, until ")
    assert not told(the_run(), "wait.arrived")


@pytest.mark.parametrize(
    ("match", "wrong", "right"),
    [
        (None, [], {}),
        ("event.data.id == async.data.id", [{"id": 2}, {"id": "1"}, {}], {"id": 1}),
        ("async.data.n > event.data.id", [{"n": 1}, {"n": "x"}], {"n": 2}),
        (
            "async.data.id == event.data.id && async.data.ok == true",
            [{"id": 1, "ok": False}, {"id": 1}],
            {"id": 1, "ok": True},
        ),
        ("async.data.id == 7", [{"id": 1}], {"id": 7}),
    ],
)
def test_the_expression_decides_which_event_it_is(
    app: SdkApp, match: str | None, wrong: list[dict[str, object]], right: dict[str, object]
) -> None:
    waiting(app, match)
    start(id=1)
    work()
    for data in wrong:
        send("answer", **data)
    work()
    assert the_run().status == "running"
    send("answer", **right)
    work()
    assert ended()[1]["data"] == right


def test_a_wait_whose_time_is_over_gives_null(app: SdkApp, clock: Clock) -> None:
    waiting(app)
    start(id=1)
    work()
    clock.move(minutes=59)
    work()
    assert the_run().status == "running"
    clock.move(minutes=2)
    work()
    send("answer", id=1)
    work()
    assert ended() == ("completed", None)
    assert app.seen[-1]["steps"] == {hash_of("w"): None}
    assert told(the_run(), "step.completed") == ["w: its event did not come in time"]


def test_an_event_that_was_received_in_time_counts_even_if_it_is_consumed_later(app: SdkApp, clock: Clock) -> None:
    waiting(app)
    start(id=1)
    work()
    send("answer", id=1)
    clock.move(hours=2)
    work()
    assert ended()[1]["data"] == {"id": 1}


def test_an_event_between_the_claim_and_the_opening_of_a_wait_is_not_lost(app: SdkApp) -> None:
    waiting(app)
    start(id=1)
    asking = called()
    send("answer", id=1, when="between")
    consume_events()
    record(asking)
    assert Wait.objects.get().status == "open"
    probe_waits()
    work()
    assert ended()[1]["data"]["when"] == "between"


def test_an_event_from_before_the_call_is_not_what_it_waits_for(app: SdkApp) -> None:
    waiting(app, None)
    send("answer", id=1)
    start(id=1)
    work()
    assert the_run().status == "running"


def test_an_event_that_came_while_the_call_was_tried_again_is_not_lost(app: SdkApp) -> None:
    app.answer = lambda call: fail(retry_after=0) if app.calls["step"] == 1 else None

    def program(event: object) -> Steps:
        return (yield wait("w", "answer"))["data"]["n"]

    serve(app, program, attempts=2)
    start()
    record(called())
    send("answer", n=1)
    work()
    assert ended() == ("completed", 1)


def test_one_event_resumes_every_run_and_every_step_that_waits_for_it(app: SdkApp) -> None:
    def program(event: object) -> Steps:
        found = yield [wait("a", "answer"), wait("b", "answer"), run("c", lambda: "c")]
        return [found[0]["data"], found[1]["data"], found[2]]

    serve(app, program)
    run_ids = start(3)
    work()
    send("answer", n=1)
    work()
    outputs = Step.objects.filter(step_id="step").values_list("output", flat=True)
    assert [json.loads(output or "") for output in outputs] == [[{"n": 1}, {"n": 1}, "c"]] * len(run_ids)
    assert app.calls["step"] == 2 * 3


def test_a_large_event_that_many_runs_wait_for_is_given_to_them_a_few_at_a_time(
    app: SdkApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(matching, "COPIED_BYTES", 3_000)
    serve(app, lambda event: (yield wait("w", "answer")))
    start(9)
    work()
    send("answer", x="x" * 1_000)
    assert consume_events() == 1
    assert Wait.objects.filter(status="arrived").count() == 2
    resume_wide_events()
    work()
    assert statuses() == {"completed": 9}


def test_of_two_events_in_one_batch_the_first_is_the_one(app: SdkApp) -> None:
    waiting(app, None)
    start()
    work()
    send("answer", n=1)
    send("answer", n=2)
    work()
    assert ended()[1]["data"] == {"n": 1}


@pytest.mark.parametrize("timeout", ["9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00"])
def test_a_time_at_the_ends_of_the_calendar_keeps_no_one_elses_event(app: SdkApp, timeout: str) -> None:
    serve(app, lambda event: (yield [wait("w", "shared", timeout), sleep("s", timeout)]))
    serve(app, lambda event: (yield wait("w", "shared"))["data"], "app-other")
    start()
    work()
    send("shared", n=1)
    work()
    assert output_of(the_run("app-other")) == {"n": 1}


def test_a_wait_between_steps_in_a_row_waits_each_time_anew(app: SdkApp) -> None:
    def program(event: object) -> Steps:
        a = yield wait("a", "answer")
        b = yield wait("b", "answer")
        return [a["data"]["n"], b["data"]["n"]]

    serve(app, program)
    start()
    work()
    send("answer", n=1)
    work()
    assert the_run().status == "running"
    send("answer", n=2)
    work()
    assert ended() == ("completed", [1, 2])


def test_a_request_that_the_server_makes_gives_its_answer(app: SdkApp, gateway: ScriptedDriver) -> None:
    gateway.answer = lambda call: succeed(json.dumps({"status_code": 200, **call.runtime["opts"]}))

    def program(event: object) -> Steps:
        return (yield fetch("f", "http://example.test/x"))

    serve(app, program)
    start()
    work()
    assert ended() == ("completed", {"status_code": 200, "url": "http://example.test/x"})
    assert told(the_run(), "step.completed") == ["f: it was answered"]
    row = step_of(the_run(), hash_of("f"))
    assert (row.op, row.input, row.attempts) == ("fetch", None, 1)


@pytest.mark.parametrize("fails", [1, 9])
def test_a_request_that_fails_is_made_again_and_then_the_functions_to_deal_with(
    app: SdkApp, gateway: ScriptedDriver, fails: int
) -> None:
    gateway.answer = lambda call: fail("no route", retry_after=0) if call.attempt < fails else succeed("1")

    def program(event: object) -> Steps:
        try:
            return (yield fetch("f", "http://example.test/x"))
        except StepFault as fault:
            return str(fault)

    serve(app, program, attempts=3)
    start()
    work()
    assert ended() == ("completed", 1 if fails == 1 else "no route")
    assert app.calls == {"step": 2}
    assert sum(gateway.calls.values()) == (2 if fails == 1 else 3)
    tries = Attempt.objects.filter(step_id=hash_of("f")).order_by("number").values_list("number", "ok")
    assert list(tries) == ([(1, False), (2, True)] if fails == 1 else [(1, False), (2, False), (3, False)])
    assert not ScheduledItem.objects.exists()
