"""What is told of the runs of SDK functions: what they are doing, their steps, and what they wait for."""

from typing import Any

import jsonschema
from rest_framework.test import APIClient

from apps.executor.recording import record
from apps.state.models import Run
from tests.clock import Clock
from tests.core_api.living import read
from tests.executor.sdk.conftest import app, gateway
from tests.executor.sdk.working import called, claim, send, start, work
from tests.functions import ScriptedDriver, fail, succeed
from tests.sdk_functions import (
    Ask,
    Failing,
    SdkApp,
    StepFault,
    Steps,
    deploy_sdk,
    fetch,
    hash_of,
    invoke,
    run,
    signal,
    sleep,
    wait,
)
from tests.state.items import add_worker

__all__ = ["app", "gateway"]


def begin(app: SdkApp, *asks: Ask, output: Any = None, **options: Any) -> None:
    """A run of a function that asks for all of this at once, and then returns."""

    def program(event: Any) -> Steps:
        yield list(asks)
        return output

    app.functions["app-fn"] = program
    deploy_sdk(**options)
    send()
    work()


def told(client: APIClient) -> Any:
    """Of the first run, which the list tells alike."""
    first = Run.objects.order_by("pk")[0]
    run = read(client, f"/v1/runs/{first.pk}")
    listed = read(client, "/v1/runs")[-1]
    assert {name: run[name] for name in listed} == listed
    return run


def steps(client: APIClient) -> dict[str, Any]:
    return {step["name"]: step for step in told(client)["steps"]}


def test_a_sleeping_step_tells_until_when_and_its_run_sleeps(client: APIClient, app: SdkApp, clock: Clock) -> None:
    begin(app, sleep("nap", "1h"))
    run = told(client)
    (nap,) = run["steps"]
    assert (run["status"], run["phase"], run["run_started_at"] is None) == ("Running", "Sleeping", False)
    assert (nap["id"], nap["name"], nap["op"], nap["status"]) == (hash_of("nap"), "nap", "Sleep", "Sleeping")
    assert (nap["attempts"], nap["started_at"], nap["ended_at"]) == (0, None, None)
    assert nap["queued_at"] < nap["due_at"]
    clock.move(hours=2)
    work()
    run = told(client)
    (nap,) = run["steps"]
    assert (run["status"], run["phase"], nap["status"]) == ("Completed", None, "Completed")
    assert (nap["attempts"], nap["due_at"], nap["started_at"]) == (0, None, None)
    assert nap["queued_at"] < nap["ended_at"]


def test_a_waiting_step_tells_for_what_and_its_run_waits(client: APIClient, app: SdkApp, clock: Clock) -> None:
    begin(app, wait("answer", "user/answered", "1h", "async.data.id == event.data.id"), sleep("nap", "2h"))
    assert told(client)["phase"] == "Waiting"
    waiting = steps(client)["answer"]
    expires_at = waiting["waits_for"].pop("expires_at")
    assert waiting["queued_at"] < expires_at
    assert waiting["waits_for"] == {
        "event": "user/answered",
        "signal": None,
        "match": "async.data.id == event.data.id",
    }
    assert (waiting["op"], waiting["status"], waiting["due_at"]) == ("WaitForEvent", "Waiting", None)
    (listed,) = told(client)["waits"]
    opened_at = listed.pop("opened_at")
    assert opened_at < listed["expires_at"] == expires_at
    assert listed == {
        "kind": "sdk",
        "after": [],
        "step_id": hash_of("answer"),
        "step_name": "answer",
        "event": "user/answered",
        "signal": None,
        "match": "async.data.id == event.data.id",
        "status": "Open",
        "expires_at": expires_at,
        "ended_at": None,
        "event_id": None,
    }


def test_an_event_tells_which_steps_it_ended(client: APIClient, app: SdkApp, clock: Clock) -> None:
    begin(app, wait("answer", "user/answered"))
    send("user/answered", x=1)
    work()
    (event,) = read(client, "/v1/events", name="user/answered")
    (ended,) = read(client, f"/v1/events/{event['internal_id']}/waits")
    assert (ended["kind"], ended["step_name"], ended["status"]) == ("sdk", "answer", "Arrived")
    assert (ended["function_id"], ended["event_id"]) == ("app-fn", event["internal_id"])
    answered = steps(client)["answer"]
    assert (answered["status"], answered["event_id"]) == ("Completed", event["internal_id"])
    assert answered["output"]["data"] == {"x": 1}


def test_a_wait_that_was_in_vain_has_timed_out_and_its_step_gives_nothing(
    client: APIClient, app: SdkApp, clock: Clock
) -> None:
    begin(app, wait("answer", "user/answered", "1h"))
    clock.move(hours=2)
    work()
    assert [one["status"] for one in told(client)["waits"]] == ["TimedOut"]
    assert (steps(client)["answer"]["status"], steps(client)["answer"]["output"]) == ("Completed", None)


def test_a_step_for_a_signal_tells_which(client: APIClient, app: SdkApp, clock: Clock) -> None:
    begin(app, signal("approval", "order/7"))
    waiting = steps(client)["approval"]
    assert (waiting["op"], waiting["status"]) == ("WaitForSignal", "Waiting")
    assert (waiting["waits_for"]["signal"], waiting["waits_for"]["event"]) == ("order/7", None)
    (listed,) = told(client)["waits"]
    assert (listed["kind"], listed["signal"], listed["event"]) == ("signal", "order/7", None)


def test_a_signal_that_another_run_takes_over_is_still_told_as_one(
    client: APIClient, app: SdkApp, clock: Clock
) -> None:
    begin(app, signal("approval", "order/7", conflict="replace"))
    send()
    work()
    (listed,) = told(client)["waits"]
    assert (listed["kind"], listed["signal"], listed["status"]) == ("signal", "order/7", "Open")


def test_an_invoking_run_waits_for_the_run_that_it_invoked(client: APIClient, app: SdkApp, clock: Clock) -> None:
    def slow(event: Any) -> Steps:
        yield sleep("nap", "10m")

    app.functions["app-slow"] = slow
    deploy_sdk("app-slow", event="")
    begin(app, invoke("other", "app-slow", {"n": 1}, timeout="1h"))
    run = told(client)
    (invoking,) = run["steps"]
    assert (run["phase"], run["invoked_by"]) == ("Waiting", None)
    assert (invoking["op"], invoking["status"], invoking["due_at"]) == ("InvokeFunction", "Waiting", None)
    assert invoking["queued_at"] < invoking["waits_for"]["expires_at"]
    (invoked,) = read(client, "/v1/runs", function_id="app-slow")
    assert invoked["invoked_by"] == {"run_id": run["run_id"], "step_id": hash_of("other")}
    assert invoked["phase"] == "Sleeping"
    clock.move(minutes=11)
    work()
    (invoking,) = told(client)["steps"]
    assert (invoking["status"], invoking["waits_for"]) == ("Completed", None)


def test_parallel_steps_are_queued_running_and_done_each_for_itself(client: APIClient, app: SdkApp) -> None:
    def program(event: Any) -> Steps:
        yield [run("b"), run("a")]

    app.functions["app-fn"] = program
    deploy_sdk()
    start()
    record(called())
    assert told(client)["phase"] == "Queued"
    assert [(one["name"], one["status"]) for one in told(client)["steps"]] == [("a", "Queued"), ("b", "Queued")]
    claim(add_worker(), most=1)
    assert told(client)["phase"] == "Running"
    assert sorted(one["status"] for one in told(client)["steps"]) == ["Queued", "Running"]


def test_a_step_that_failed_in_a_call_is_retrying_with_that_call(client: APIClient, app: SdkApp, clock: Clock) -> None:
    once = Failing(1, 1)

    def program(event: Any) -> Steps:
        return (yield run("a", once))

    app.functions["app-fn"] = program
    deploy_sdk(attempts=3)
    send()
    work()
    assert told(client)["phase"] == "Sleeping"
    failing = steps(client)["a"]
    assert (failing["op"], failing["status"], failing["attempts"]) == ("StepRun", "Retrying", 1)
    assert failing["due_at"] > failing["started_at"]
    assert [(one["number"], one["ok"], one["error"]["message"]) for one in failing["tries"]] == [
        (1, False, "failure 1")
    ]
    clock.move(hours=1)
    work()
    done = steps(client)["a"]
    assert (done["status"], done["attempts"], done["output"], done["error"]) == ("Completed", 2, 1, None)
    assert [(one["number"], one["ok"]) for one in done["tries"]] == [(1, False), (2, True)]
    assert told(client)["output"] == 1


def test_a_planned_step_that_failed_is_retrying_until_its_own_next_call(
    client: APIClient, app: SdkApp, clock: Clock
) -> None:
    twice = Failing(2)

    def program(event: Any) -> Steps:
        yield [run("a", twice), run("b")]

    app.functions["app-fn"] = program
    deploy_sdk(attempts=2)
    send()
    work()
    assert told(client)["phase"] == "Sleeping"
    assert {name: one["status"] for name, one in steps(client).items()} == {"a": "Retrying", "b": "Completed"}
    assert (steps(client)["a"]["attempts"], steps(client)["a"]["due_at"] is None) == (1, False)
    clock.move(hours=1)
    work()
    failed = steps(client)["a"]
    assert (failed["status"], failed["attempts"], failed["error"]["message"]) == ("Failed", 2, "failure 2")


def test_a_failed_run_has_the_error_of_its_function_and_not_of_a_step_that_it_caught(
    client: APIClient, app: SdkApp
) -> None:
    def program(event: Any) -> Steps:
        try:
            yield run("a", Failing(1))
        except StepFault:
            yield run("b")
        raise KeyError("not caught")

    app.functions["app-fn"] = program
    deploy_sdk()
    send()
    work()
    run_told = told(client)
    assert (run_told["status"], run_told["output"]["name"]) == ("Failed", "KeyError")
    assert {name: one["status"] for name, one in steps(client).items()} == {"a": "Failed", "b": "Completed"}
    assert steps(client)["a"]["error"]["message"] == "failure 1"


def test_the_function_is_no_step_of_itself_and_its_tries_are_the_runs(
    client: APIClient, app: SdkApp, clock: Clock
) -> None:
    once = Failing(1, "done")

    def program(event: Any) -> Steps:
        yield run("a")
        return once()

    app.functions["app-fn"] = program
    deploy_sdk(attempts=2)
    send()
    work()
    run_told = told(client)
    assert (run_told["phase"], list(steps(client))) == ("Sleeping", ["a"])
    assert [(one["ok"], one["error"]["message"]) for one in run_told["tries"]] == [(False, "failure 1")]
    clock.move(hours=1)
    work()
    run_told = told(client)
    assert (run_told["status"], run_told["output"], list(steps(client))) == ("Completed", "done", ["a"])
    assert [(one["number"], one["ok"]) for one in run_told["tries"]] == [(1, False), (2, True)]
    assert client.get(f"/v1/runs/{run_told['run_id']}/steps/step").status_code == 404


def test_a_step_is_told_by_itself_as_in_its_run(client: APIClient, app: SdkApp, clock: Clock) -> None:
    begin(app, wait("answer", "user/answered"), wait("reply", "user/replied"))
    run_told = told(client)
    for one in run_told["steps"]:
        assert read(client, f"/v1/runs/{run_told['run_id']}/steps/{one['id']}") == one
    assert client.get(f"/v1/runs/{run_told['run_id']}/steps/%00").status_code == 404


def test_a_cancelled_run_leaves_its_steps_cancelled(client: APIClient, app: SdkApp, clock: Clock) -> None:
    begin(app, sleep("nap", "1h"), wait("answer", "user/answered"))
    run_id = told(client)["run_id"]
    assert client.delete(f"/v1/runs/{run_id}").status_code == 204
    run_told = told(client)
    assert (run_told["status"], run_told["phase"], run_told["output"]) == ("Cancelled", None, None)
    assert {name: one["status"] for name, one in steps(client).items()} == {"nap": "Cancelled", "answer": "Cancelled"}
    assert [one["status"] for one in run_told["waits"]] == ["Cancelled"]


def test_a_run_is_queued_then_running_before_it_has_steps(client: APIClient, app: SdkApp) -> None:
    def program(event: Any) -> Steps:
        yield run("a")

    app.functions["app-fn"] = program
    deploy_sdk()
    start()
    assert (told(client)["status"], told(client)["phase"], told(client)["steps"]) == ("Queued", "Queued", [])
    claim(add_worker())
    assert (told(client)["status"], told(client)["phase"]) == ("Running", "Running")


def test_a_request_is_a_step_that_the_server_tries(
    client: APIClient, app: SdkApp, gateway: ScriptedDriver, clock: Clock
) -> None:
    gateway.answer = lambda call: succeed() if call.attempt else fail(retry_after=600)
    begin(app, fetch("ask", "http://127.0.0.1:9/"), attempts=2)
    asking = steps(client)["ask"]
    assert (told(client)["phase"], asking["op"], asking["status"]) == ("Sleeping", "Gateway", "Retrying")
    assert asking["attempts"] == 1
    clock.move(minutes=11)
    work()
    asked = steps(client)["ask"]
    assert (asked["status"], asked["attempts"], asked["output"]) == ("Completed", 2, 1)


def test_what_is_told_is_as_described(client: APIClient, app: SdkApp, clock: Clock) -> None:
    begin(app, sleep("nap", "1h"), wait("answer", "user/answered"), signal("s", "s"), run("a", Failing(1)), attempts=2)
    openapi = client.get("/v1/openapi.json").json()
    schema = openapi["paths"]["/v1/runs/{run_id}"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    validator = jsonschema.Draft202012Validator({**schema, "components": openapi["components"]})
    validator.validate(client.get(f"/v1/runs/{told(client)['run_id']}").json())
