"""Runs that end are told of: `inngest/function.*`; and runs that are cancelled, by an event or by a request."""

import pytest

from apps.datastore.definition.types import CancelOn
from apps.executor.recording import record
from apps.state.ending import cancel_run
from apps.state.models import Run
from tests.executor.sdk.working import called, ended, events, output_of, send, start, the_run, told, work
from tests.functions import ScriptedDriver, deploy_function, fail, left_over, statuses
from tests.sdk_functions import Program, SdkApp, Steps, invoke, run, serve, signal, sleep, wait

pytestmark = pytest.mark.django_db

FAILED, CANCELLED, FINISHED = "inngest/function.failed", "inngest/function.cancelled", "inngest/function.finished"


def broken(event: object) -> Steps:
    yield from ()
    raise ValueError("it is broken")


def fine(event: object) -> Steps:
    yield from ()
    return {"a": 1}


def open_in_every_way(event: object) -> Steps:
    yield [run("a"), sleep("b", "1h"), wait("c", "answer"), signal("d", "go")]


def listen(app: SdkApp, *names: str) -> None:
    """Have a function for each of these events."""
    for name in names:
        serve(app, fine, f"app-on-{name.rpartition('.')[2]}", event=name)


@pytest.mark.parametrize("program", [broken, fine])
def test_where_nobody_listens_nothing_is_told(app: SdkApp, program: Program) -> None:
    serve(app, program)
    serve(app, open_in_every_way, "app-open")
    start()
    work()
    cancel_run(the_run("app-open").pk, "asked for")
    work()
    assert [events(name) for name in (FAILED, CANCELLED, FINISHED)] == [[], [], []]


def test_a_failure_is_told_with_its_error_and_the_event_of_the_run(app: SdkApp) -> None:
    serve(app, broken)
    listen(app, FAILED)
    [run_id] = start(a=1)
    work()
    event = {"name": "test/event", "data": {"n": 0, "a": 1}, "id": "e", "ts": 1}
    error = {"name": "ValueError", "message": "it is broken", "stack": ""}
    assert events(FAILED) == [
        {"function_id": "app-fn", "run_id": run_id, "event": event, "events": [event], "error": error}
    ]
    assert events(FINISHED) == []


def test_the_failure_of_a_declared_function_is_told_with_the_error_of_its_step(
    app: SdkApp, driver: ScriptedDriver
) -> None:
    listen(app, FAILED)
    driver.answer = lambda call: fail("no", for_good=True)
    deploy_function()
    send(n=0)
    work()
    [data] = events(FAILED)
    assert data["error"] == {"name": "Error", "message": "no", "stack": ""}


def test_a_function_for_failures_that_invokes_one_that_fails_does_not_go_round_for_ever(app: SdkApp) -> None:
    serve(app, broken)
    serve(app, broken, "app-broken", event="never")
    serve(app, lambda event: (yield invoke("i", "app-broken")), "app-listener", event=FAILED)
    start()
    work()
    assert Run.objects.count() == 3
    assert len(events(FAILED)) == 1


def test_a_function_for_failures_is_started_and_its_own_failure_starts_nothing(app: SdkApp) -> None:
    serve(app, broken)
    serve(app, broken, "app-fn-failure", event=FAILED)
    start()
    work()
    assert statuses() == {"failed": 2}
    assert len(events(FAILED)) == 1


def test_a_function_that_completes_is_told_of_only_where_someone_listens(app: SdkApp) -> None:
    serve(app, fine)
    start()
    work()
    assert events(FINISHED) == []
    serve(app, fine, "app-listener", event=FINISHED)
    [run_id] = start()
    work()
    [data] = events(FINISHED)
    assert (data["function_id"], data["run_id"], data["result"]) == ("app-fn", run_id, {"a": 1})
    assert "error" not in data
    assert ended("app-listener")[0] == "completed"


def test_a_run_may_wait_for_the_end_of_another(app: SdkApp) -> None:
    def program(event: object) -> Steps:
        return (yield wait("w", FINISHED))["data"]["result"]

    serve(app, program)
    serve(app, fine, "app-other", event="other")
    start()
    work()
    send("other")
    work()
    assert ended() == ("completed", {"a": 1})


def test_who_listens_for_ends_hears_of_failures_and_cancellations_too(app: SdkApp) -> None:
    listen(app, FINISHED, FAILED, CANCELLED)
    serve(app, broken, "app-broken", event="break")
    serve(app, open_in_every_way, "app-open", event="open")
    send("break")
    send("open")
    work()
    cancel_run(the_run("app-open").pk, "asked for")
    work()
    assert [data["function_id"] for data in events(FINISHED)] == ["app-broken", "app-open"]
    assert [data["function_id"] for data in events(FAILED)] == ["app-broken"]
    assert [data["function_id"] for data in events(CANCELLED)] == ["app-open"]


@pytest.mark.parametrize("leased", [True, False])
def test_a_run_that_is_cancelled_loses_all_that_it_has_open(app: SdkApp, leased: bool) -> None:
    serve(app, open_in_every_way)
    listen(app, CANCELLED)
    [run_id] = start()
    record(called())
    late = called() if leased else []
    assert cancel_run(run_id, "asked for")
    assert not cancel_run(run_id, "asked for again")
    if late:
        record(late)
    assert left_over() == {"InboxEntry": 1}  # what the listener is told
    send("answer")
    work()
    assert ended() == ("cancelled", None)
    assert told(the_run(), "run.cancelled") == ["asked for"]
    assert told(the_run(), "step.dropped") == (["its run had ended"] if leased else [])
    assert len(events(CANCELLED)) == 1


def test_a_run_that_is_cancelled_while_the_function_is_called_takes_nothing_of_its_answer(app: SdkApp) -> None:
    serve(app, open_in_every_way)
    [run_id] = start()
    answer = called()
    cancel_run(run_id, "asked for")
    record(answer)
    work()
    assert ended() == ("cancelled", None)
    assert app.calls == {"step": 1}


def test_an_event_cancels_the_runs_that_it_is_for(app: SdkApp) -> None:
    serve(app, open_in_every_way, cancel=(CancelOn("stop", "async.data.n == event.data.n"),))
    listen(app, CANCELLED)
    first, second = start(2)
    work()
    send("stop", n=1)
    work()
    assert Run.objects.get(pk=first).status == "running"
    one = Run.objects.get(pk=second)
    assert one.status == "cancelled"
    assert told(one, "run.cancelled")[0].startswith("cancelled by event stop ")
    assert output_of(one) is None
    assert [data["run_id"] for data in events(CANCELLED)] == [second]


def test_an_event_that_cancels_a_run_and_resumes_it_cancels_it(app: SdkApp) -> None:
    serve(app, lambda event: (yield wait("w", "stop")), cancel=(CancelOn("stop"),))
    start()
    work()
    send("stop")
    work()
    assert ended()[0] == "cancelled"
    assert app.calls == {"step": 1}


def test_a_run_that_has_returned_is_not_cancelled(app: SdkApp) -> None:
    serve(app, fine, cancel=(CancelOn("stop"),))
    [run_id] = start()
    work()
    send("stop")
    work()
    assert not cancel_run(run_id, "too late")
    assert ended() == ("completed", {"a": 1})
    assert events(CANCELLED) == []
