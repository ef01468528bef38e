"""`/v1/signals`: a signal is handed to the run that waits for it."""

import json
from typing import Any

import pytest
from rest_framework.test import APIClient

from apps.event_stream.models import Event
from apps.state.models import Run
from tests.clock import Clock
from tests.core_api.living import read
from tests.executor.sdk.conftest import app
from tests.executor.sdk.working import ended, send, work
from tests.sdk_functions import SdkApp, Steps, deploy_sdk, signal

__all__ = ["app"]


@pytest.fixture
def waiting_run(app: SdkApp, client: APIClient, clock: Clock) -> str:
    """The id of a run that waits for the signal `order/7`."""

    def program(event: Any) -> Steps:
        return (yield signal("approval", "order/7"))

    app.functions["app-fn"] = program
    deploy_sdk()
    send()
    work()
    return str(Run.objects.get().pk)


def post(client: APIClient, body: object) -> Any:
    text: Any = body if isinstance(body, bytes) else json.dumps(body)
    return client.generic("POST", "/v1/signals", text, content_type="application/json")


@pytest.mark.parametrize("data", [{"ok": True}, [1, 2], "text", 0, None])
def test_the_run_that_waits_goes_on_with_the_signal_and_its_data(
    client: APIClient, waiting_run: str, data: object
) -> None:
    answer = post(client, {"signal": "order/7", "data": data})
    assert (answer.status_code, answer.json()["data"]) == (200, {"run_id": waiting_run})
    work()
    assert ended() == ("completed", {"signal": "order/7", "data": data})


def test_a_signal_needs_no_data(client: APIClient, waiting_run: str) -> None:
    assert post(client, {"signal": "order/7"}).status_code == 200
    work()
    assert ended()[1] == {"signal": "order/7", "data": None}


def test_a_signal_that_nobody_waits_for_is_not_kept(client: APIClient, waiting_run: str) -> None:
    answer = post(client, {"signal": "order/8", "data": 1})
    assert (answer.status_code, answer.json()) == (
        404,
        {"error": "No run waits for the signal 'order/8'", "status": 404},
    )
    assert not Event.objects.filter(name="inngest/signal.sent").exists()


def test_a_signal_is_for_one_run_once(client: APIClient, waiting_run: str) -> None:
    assert [post(client, {"signal": "order/7", "data": 1}).status_code for _ in range(3)] == [200, 404, 404]


def test_the_event_of_a_signal_tells_what_it_did(client: APIClient, waiting_run: str) -> None:
    post(client, {"signal": "order/7", "data": 1})
    (event,) = read(client, "/v1/events", name="inngest/signal.sent")
    assert event["data"] == {"signal": "order/7", "data": 1}
    (told,) = read(client, f"/v1/events/{event['internal_id']}/waits")
    assert (told["run_id"], told["kind"], told["signal"], told["step_name"], told["status"]) == (
        waiting_run,
        "signal",
        "order/7",
        "approval",
        "Arrived",
    )


def test_no_event_passes_for_a_signal(client: APIClient, waiting_run: str) -> None:
    send("inngest/signal.sent", signal="order/7")
    work()
    assert Run.objects.get().status == "running"


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ({}, "missing required field `signal`"),
        ({"signal": ""}, "length >= 1"),
        ({"signal": "x" * 256}, "length <= 255"),
        ({"signal": 7}, "Expected `str`, got `int`"),
        ({"signal": "a\0b"}, "must not have NUL characters"),
        ([], "Expected `object`, got `array`"),
        (b'{"signal":"a","data":', "not JSON"),
    ],
)
def test_a_signal_without_a_proper_name_is_refused(
    client: APIClient, waiting_run: str, body: object, fault: str
) -> None:
    answer = post(client, body)
    assert (answer.status_code, answer.json()["status"]) == (400, 400)
    assert fault in answer.json()["error"]
