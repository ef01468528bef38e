"""Functions in Python that wait for events, send them, and call other functions."""

from tests.sdk.harness import App, SdkServer, steps_of
from tests.waiting import wait_for

Started = dict[str, str]


def waits_of(dev: SdkServer, event_id: str) -> bool:
    """Whether the run that the event started has an open wait."""
    return any(wait["status"] == "Open" for run in dev.runs_of(event_id) for wait in dev.run(run["run_id"])["waits"])


def test_a_wait_ends_with_the_event_that_matches(dev: SdkServer, fastapi: App) -> None:
    first, second = dev.send([{"name": "test/waits", "data": {"n": n}} for n in (71, 72)])
    wait_for(lambda: waits_of(dev, first) and waits_of(dev, second), "both wait")
    dev.send([{"name": "test/answer", "data": {"n": n, "is": "it"}} for n in (70, 72)])
    run = dev.completed(second)
    assert run["output"] == {"name": "test/answer", "data": {"n": 72, "is": "it"}}
    assert len(fastapi.calls(run["run_id"])) == 2
    [step] = steps_of(run)
    assert (step["name"], step["op"], step["status"]) == ("answer", "WaitForEvent", "Completed")
    assert waits_of(dev, first)
    dev.send_one("test/answer", {"n": 71})
    assert dev.completed(first)["output"] == {"name": "test/answer", "data": {"n": 71}}


def test_a_wait_for_an_event_that_does_not_come_gives_nothing(dev: SdkServer, started: Started) -> None:
    assert dev.completed(started["waits_in_vain"])["output"] is True


def test_an_event_sent_while_the_call_runs_that_waits_for_it_is_not_lost(dev: SdkServer, started: Started) -> None:
    assert dev.completed(started["answers_itself"])["output"] is True


def test_events_answered_at_once_resume_every_run_that_waits(dev: SdkServer, fastapi: App) -> None:
    numbers = range(1000, 1040)
    events = dev.send([{"name": "test/waits", "data": {"n": n}} for n in numbers])
    wait_for(lambda: all(waits_of(dev, event) for event in events), "all wait", 60)
    dev.send([{"name": "test/answer", "data": {"n": n}} for n in numbers])
    for number, event in zip(numbers, events, strict=True):
        run = dev.completed(event)
        assert run["output"]["data"] == {"n": number}
        assert len(fastapi.calls(run["run_id"])) == 2


def test_an_invoked_function_gives_its_output(dev: SdkServer, fastapi: App, started: Started) -> None:
    run = dev.completed(started["invokes"])
    assert run["output"] == {"sum": 3, "event": "inngest/function.invoked"}
    assert len(fastapi.calls(run["run_id"])) == 2
    [step] = steps_of(run)
    assert (step["name"], step["op"], step["status"]) == ("add", "InvokeFunction", "Completed")


def test_a_function_of_another_app_is_invoked_by_its_id(dev: SdkServer, started: Started) -> None:
    assert dev.completed(started["invokes_elsewhere"])["output"] == {"sum": 7, "app": "flask"}


def test_the_error_of_an_invoked_function_is_raised(dev: SdkServer, started: Started) -> None:
    assert dev.completed(started["invokes_failing"])["output"] == {"name": "ValueError", "message": "no, not that"}


def test_invoking_a_function_that_is_missing_is_an_error_that_names_it(dev: SdkServer, started: Started) -> None:
    assert "fastapi-there-is-no-such-function" in dev.completed(started["invokes_missing"])["output"]["message"]


def test_an_invoke_that_takes_too_long_is_an_error(dev: SdkServer, started: Started) -> None:
    output = dev.completed(started["invokes_slow"])["output"]
    assert output["name"] == "InngestInvokeTimeoutError"


def test_events_that_a_step_sends_start_functions_once(dev: SdkServer, started: Started) -> None:
    run = dev.completed(started["sends"])
    assert len(run["output"]) == 2
    got = [dev.completed(event, "fastapi-receives")["output"] for event in run["output"]]
    assert got == [{"n": n, "by": run["run_id"]} for n in range(2)]
    assert all(len(dev.runs_of(event)) == 1 for event in run["output"])


def test_a_function_is_run_directly(dev: SdkServer, fastapi: App) -> None:
    answer = dev.api("POST", "/invoke/fastapi-adds", {"data": {"a": 4, "b": 5}})
    assert answer.status == 200, answer
    assert dev.wait_ended(answer.json["run_id"])["output"] == {"sum": 9, "event": "inngest/function.invoked"}
