"""`/invoke/<function id>`: a function is run directly."""

import json
from typing import Any
from urllib.parse import quote

import pytest
from pytest_django import Settings
from rest_framework.test import APIClient

from apps.datastore.keys import create_api_token
from apps.datastore.models import Environment, Scope
from apps.event_stream.models import Event
from apps.state.models import Run
from tests.core_api.living import read
from tests.core_api.living import work as work_plainly
from tests.executor.sdk.conftest import app
from tests.executor.sdk.working import ended, work
from tests.functions import ScriptedDriver, deploy_function
from tests.sdk_functions import SdkApp, Steps, deploy_sdk, run

__all__ = ["app"]


def post(client: APIClient, path: str, body: Any = b"{}") -> Any:
    return client.generic("POST", path, body, content_type="application/json")


def echoing(event: Any) -> Steps:
    yield run("a")
    return [event["name"], event["data"], event["user"], event.get("v")]


def test_a_function_runs_with_the_data_that_it_is_invoked_with(client: APIClient, app: SdkApp) -> None:
    app.functions["app-fn"] = echoing
    deploy_sdk(event="")
    body = {"name": "of no account", "id": "nor this", "data": {"n": 1}, "user": {"u": 2}, "v": "3"}
    answer = post(client, "/invoke/app-fn", json.dumps(body))
    assert answer.status_code == 200, answer.content
    invoked = answer.json()
    started = Run.objects.get()
    event = Event.objects.get()
    assert invoked == {"id": event.internal_id, "ids": [event.internal_id], "run_id": started.pk, "status": 200}
    work()
    assert ended() == ("completed", ["inngest/function.invoked", {"n": 1}, {"u": 2}, "3"])
    told = read(client, f"/v1/runs/{invoked['run_id']}")
    assert (told["event_id"], told["invoked_by"]) == (event.internal_id, None)


@pytest.mark.parametrize("body", [b"", b"{}", b'{"data":null,"user":null,"v":null}'])
def test_nothing_needs_to_be_given(client: APIClient, app: SdkApp, body: bytes) -> None:
    app.functions["app-fn"] = echoing
    deploy_sdk(event="")
    assert post(client, "/invoke/app-fn", body).status_code == 200
    work()
    assert ended() == ("completed", ["inngest/function.invoked", {}, {}, None])


def test_each_invocation_is_a_run_of_its_own(client: APIClient, app: SdkApp) -> None:
    deploy_sdk(event="", idempotency="event.data.n")
    ids = {post(client, "/invoke/app-fn", b'{"data":{"n":1}}').json()["run_id"] for _ in range(3)}
    assert len(ids) == Run.objects.count() == 3


def test_a_declared_function_can_be_invoked_too(client: APIClient, driver: ScriptedDriver) -> None:
    deploy_function({"a": (), "b": ("a",)}, slug="plain")
    run_id = post(client, "/invoke/plain", b'{"data":{"n":1}}').json()["run_id"]
    work_plainly()
    assert read(client, f"/v1/runs/{run_id}")["status"] == "Completed"


@pytest.mark.parametrize("slug", ["app-fn one", "app-f\u00fcnf", "app-a.b:c?d#e%20"])
def test_a_functions_id_may_hold_any_characters(client: APIClient, app: SdkApp, slug: str) -> None:
    deploy_sdk(slug, event="")
    assert post(client, f"/invoke/{quote(slug, safe='')}").status_code == 200


@pytest.mark.parametrize("path", ["shop/send/receipt", "shop%2Fsend%2Freceipt"])
def test_a_functions_id_may_hold_slashes(client: APIClient, app: SdkApp, path: str) -> None:
    deploy_sdk("shop/send/receipt", event="")
    assert post(client, f"/invoke/{path}").status_code == 200


@pytest.mark.parametrize("slug", ["app-nothing", "%00", "app-fn%00", "a/b"])
def test_a_function_that_is_not_there_is_not_found(client: APIClient, app: SdkApp, slug: str) -> None:
    deploy_sdk(event="")
    answer = post(client, f"/invoke/{slug}")
    assert (answer.status_code, answer.json()["status"]) == (404, 404)
    assert not Event.objects.exists()


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        (b"[]", "Expected `object`, got `array`"),
        (b"{", "not JSON"),
        (b'{"data":[1]}', "`data` must be an object"),
        (b'{"user":"x"}', "`user` must be an object"),
        (b'{"v":1}', "Expected `str | null`, got `int` - at `$.v`"),
        (b'{"data":{"a":"\xff"}}', "not UTF-8 at byte 14"),
        (b'{"data":{"a":"\\ud800"}}', "not JSON"),
        (b'{"data":{"a":' + b"[" * 1_000 + b"]" * 1_000 + b"}}", "nested more than 1000 levels deep"),
    ],
)
def test_a_body_that_is_no_event_is_refused_with_what_is_wrong(
    client: APIClient, app: SdkApp, body: bytes, fault: str
) -> None:
    deploy_sdk(event="")
    answer = post(client, "/invoke/app-fn", body)
    assert (answer.status_code, answer.json()["status"]) == (400, 400)
    assert fault in answer.json()["error"]
    assert not Event.objects.exists()


def test_a_body_that_is_larger_than_an_event_may_be_is_refused(
    client: APIClient, app: SdkApp, settings: Settings
) -> None:
    settings.EVENT_MAX_BYTES = 100
    deploy_sdk(event="")
    answer = post(client, "/invoke/app-fn", json.dumps({"data": {"a": "x" * 100}}))
    assert (answer.status_code, "the limit for an event is 100" in answer.json()["error"]) == (413, True)


def test_outside_dev_mode_a_token_opens_the_functions_of_its_environment(
    client: APIClient, app: SdkApp, other_environment: Environment, settings: Settings
) -> None:
    deploy_sdk(event="")
    settings.INNGEST_DEV = False
    settings.ALLOWED_HOSTS = ["*"]
    assert post(client, "/invoke/app-fn").status_code == 401
    for environment, status in ((other_environment, 404), (Environment.objects.get(slug="dev"), 200)):
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {create_api_token(environment, 'ci', Scope.DEPLOY)}")
        assert post(client, "/invoke/app-fn").status_code == status
