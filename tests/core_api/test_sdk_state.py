"""`/v0/runs/<run>`: what a call could not carry, as the SDKs ask for it."""

import json
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from pytest_django import Settings
from rest_framework.test import APIClient

from apps.datastore.models import Environment
from apps.datastore.signing_keys import create_signing_key
from apps.state.models import Run
from drivers.signing import bearer_of
from tests.clock import Clock
from tests.core_api.rows import StoredRun, add_event, add_run, version_of
from tests.executor.sdk.conftest import app
from tests.executor.sdk.working import ended, send, work
from tests.sdk_functions import (
    Failing,
    SdkApp,
    StepFault,
    Steps,
    deploy_sdk,
    hash_of,
    invoke,
    run,
    signal,
    sleep,
    wait,
)

__all__ = ["app"]


def get(client: APIClient, path: str) -> Any:
    answer = client.get(path)
    assert answer.status_code == 200, answer.content
    return answer.json()


@pytest.fixture
def much_remembered(app: SdkApp, client: APIClient, clock: Clock) -> str:
    """The id of a run with a result of each kind, which sleeps."""

    def program(event: Any) -> Steps:
        yield run("z", lambda: {"n": 1.5})
        with suppress(StepFault):
            yield run("a", Failing(1))
        yield sleep("nap", "0s")
        yield wait("answer", "user/answered")
        yield wait("none", "never", "0s")
        yield signal("approval", "order/7")
        yield signal("in vain", "order/8", "0s")
        yield invoke("other", "app-other", {"n": 1})
        yield sleep("long", "1h")

    app.functions["app-fn"] = program
    app.functions["app-other"] = lambda event: (yield run("double", lambda: 2 * event["data"]["n"]))
    deploy_sdk()
    deploy_sdk("app-other", event="")
    send()
    work()
    send("user/answered", x=1)
    work()
    clock.move(seconds=5)
    work()
    assert client.post("/v1/signals", {"signal": "order/7", "data": [1]}, format="json").status_code == 200
    work()
    clock.move(seconds=5)
    work()
    return str(Run.objects.get(function__slug="app-fn").pk)


def test_the_results_are_those_that_a_call_would_carry_in_the_order_in_which_the_steps_ended(
    client: APIClient, app: SdkApp, clock: Clock, much_remembered: str
) -> None:
    actions = get(client, f"/v0/runs/{much_remembered}/actions")
    assert list(actions) == [
        hash_of(name) for name in ("z", "a", "nap", "answer", "none", "approval", "in vain", "other")
    ]
    named = dict(
        zip(("z", "a", "nap", "answer", "none", "approval", "in vain", "other"), actions.values(), strict=True)
    )
    assert named["z"] == {"data": {"n": 1.5}}
    assert named["a"]["error"]["message"] == "failure 1"
    assert (named["nap"], named["none"], named["in vain"]) == (None, None, None)
    assert (named["answer"]["name"], named["answer"]["data"]) == ("user/answered", {"x": 1})
    assert named["approval"] == {"data": {"signal": "order/7", "data": [1]}}
    assert named["other"] == {"data": 2}
    clock.move(hours=2)
    work()
    carried = next(body["steps"] for body in reversed(app.seen) if body["ctx"]["run_id"] == much_remembered)
    assert carried.pop(hash_of("long")) is None
    assert list(carried.items()) == list(actions.items())


def test_the_batch_is_the_event_as_it_was_sent(client: APIClient, much_remembered: str) -> None:
    assert get(client, f"/v0/runs/{much_remembered}/batch") == [
        {"name": "test/event", "data": {}, "id": "e", "ts": 1},
    ]


def test_texts_come_byte_for_byte(client: APIClient, dev: Environment) -> None:
    payload = r'{"name":"test/event","data":{"a":"\u0000","n":1.10e400}}'
    stored = add_run(version_of(dev), add_event(dev, payload))
    assert client.get(f"/v0/runs/{stored.id}/batch").content == f"[{payload}]".encode()


def test_a_run_without_results_has_none(client: APIClient, queued_run: StoredRun, completed_run: StoredRun) -> None:
    assert get(client, f"/v0/runs/{queued_run.id}/actions") == {}
    assert get(client, f"/v0/runs/{completed_run.id}/actions") == {}


def test_results_beyond_the_limit_are_refused_with_their_size(
    client: APIClient, much_remembered: str, settings: Settings
) -> None:
    settings.STEP_INPUT_MAX_BYTES = 100
    answer = client.get(f"/v0/runs/{much_remembered}/actions")
    assert (answer.status_code, answer.json()["status"]) == (413, 413)
    assert "the limit (STEP_INPUT_MAX_BYTES) is 100" in answer.json()["error"]


@pytest.mark.parametrize("what", ["actions", "batch"])
def test_outside_dev_mode_only_the_runs_own_environment_is_answered(
    client: APIClient, queued_run: StoredRun, other_environment: Environment, settings: Settings, what: str
) -> None:
    settings.INNGEST_DEV = False
    settings.ALLOWED_HOSTS = ["*"]
    path = f"/v0/runs/{queued_run.id}/{what}"
    assert client.get(path).status_code == 401
    own = create_signing_key(Environment.objects.get(slug="dev"), "app")
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {bearer_of(own)}")
    assert client.get(path).status_code == 200
    foreign = create_signing_key(other_environment, "app")
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {bearer_of(foreign)}")
    answer = client.get(path)
    assert (answer.status_code, set(answer.json())) == (404, {"error", "status"})


def test_a_function_whose_calls_cannot_carry_it_all_goes_on_with_what_it_asks_for(
    client: APIClient, app: SdkApp, settings: Settings
) -> None:
    settings.SDK_STATE_MAX_BYTES = 10
    large = "x" * 100

    def program(event: Any) -> Steps:
        first = yield run("a", lambda: large)
        second = yield run("b", lambda: len(first))
        return [second, event["data"]["n"]]

    app.functions["app-fn"] = program
    deploy_sdk()
    answer_itself = app.run

    def run_with_what_it_asks_for(call: Any, abort: Any) -> Any:
        body = json.loads(call.payload)
        if body["use_api"]:
            assert (body["steps"], body["events"]) == ({}, [])
            path = f"/v0/runs/{body['ctx']['run_id']}"
            body["steps"], body["events"] = get(client, f"{path}/actions"), get(client, f"{path}/batch")
        return answer_itself(replace(call, payload=json.dumps(body).encode()), abort)

    app.run = run_with_what_it_asks_for  # type: ignore[method-assign]
    send(n=7)
    work()
    assert ended() == ("completed", [100, 7])
    assert [body["use_api"] for body in app.seen] == [True, True, True]
