"""The TypeScript SDK in production mode: everything is signed, with keys that rotate, and nothing else is believed."""

import copy
import secrets
from collections.abc import Iterator

import pytest

from tests.sdk.harness import App, Json, SdkServer, ask
from tests.sdk.node_app import node_app, outgoing, recorded
from tests.waiting import wait_for

ENVIRONMENT = "node-tests"
# A JSON text has many canonical forms but one: what is signed is that one, of numbers and texts as well.
ODD = {"text": "größe 🦆 \u2028 \x7f", "numbers": [1e21, 1e-7, 0.1, -0.0, 100.0], "b": {"z": 1, "é": 2}, "a": None}


@pytest.fixture(scope="module")
def cloud(production: SdkServer) -> SdkServer:
    """The production server, seen by those who have the keys of an environment of its own."""
    server = copy.copy(production)
    server.manage("keys", "create-environment", ENVIRONMENT)
    server.event_key = server.manage("keys", "create-event-key", ENVIRONMENT, "tests")
    server.api_token = server.manage("keys", "create-api-token", ENVIRONMENT, "tests", "--scope", "deploy")
    server.signing_key = server.manage("keys", "create-signing-key", ENVIRONMENT, "tests")
    return server


@pytest.fixture(scope="module")
def app(cloud: SdkServer) -> Iterator[App]:
    """Its keys are what a test before has left it."""
    app = node_app(cloud, "node")
    try:
        app.start().sync()
        yield app
    finally:
        app.stop()


def other_key() -> str:
    return f"signkey-node_tests-{secrets.token_hex(32)}"


def repeated(cloud: SdkServer, app: App, data: Json) -> Json:
    """The run of an event that the app has sent itself."""
    sent = ask("POST", f"{app.origin}/send", {"name": "node/repeats", "data": data})
    assert sent.status == 200, sent
    return cloud.ended(sent.json["ids"][0])


def test_calls_are_signed_whatever_is_in_them(cloud: SdkServer, app: App) -> None:
    run = repeated(cloud, app, ODD)
    assert run["output"] == ODD
    calls = recorded(app, run)
    assert [(call["signed"], call["status"]) for call in calls] == [(True, 206), (True, 200)]


def test_an_app_in_production_answers_to_nobody_else(cloud: SdkServer, app: App) -> None:
    call = {"event": {}, "events": [{}], "steps": {}, "ctx": {"run_id": "1"}, "version": 1}
    assert ask("POST", f"{app.url}?fnId=node-repeats&stepId=step", call).status == 401


@pytest.mark.parametrize("header", [{}, {"authorization": f"Bearer signkey-node_tests-{'0' * 64}"}])
def test_a_registration_that_proves_nothing_is_refused(cloud: SdkServer, header: dict[str, str]) -> None:
    document = {"url": "http://127.0.0.1:1/api", "appName": "node", "functions": [], "v": "0.1", "deployType": "ping"}
    assert ask("POST", f"{cloud.url}/fn/register", document, header).status == 401


def test_an_app_with_a_wrong_key_cannot_register_and_hears_why(cloud: SdkServer, app: App) -> None:
    app.start(INNGEST_SIGNING_KEY=other_key())
    answer = app.try_to_sync()
    assert answer.status == 401, answer
    assert answer.json["message"] != "Successfully registered"


def test_a_call_that_the_app_does_not_believe_is_tried_again_and_says_so(cloud: SdkServer, app: App) -> None:
    app.start(INNGEST_SIGNING_KEY=other_key())
    event = cloud.send_one("node/repeats", {"order": 1})
    run = wait_for(lambda: cloud.runs_of(event), "the run has started")[0]["run_id"]
    wait_for(lambda: app.calls(run), "the app is called")
    wait_for(lambda: "401" in str(cloud.run(run)["tries"]), "the run says what it was answered")
    app.start(INNGEST_SIGNING_KEY=cloud.signing_key)
    assert cloud.ended(event)["status"] == "Completed"


def test_an_app_goes_by_its_fallback_key(cloud: SdkServer, app: App) -> None:
    app.start(INNGEST_SIGNING_KEY=other_key(), INNGEST_SIGNING_KEY_FALLBACK=cloud.signing_key).sync()
    assert [one["status"] for one in outgoing(app) if one["path"] == "/fn/register"] == [401, 200]
    assert repeated(cloud, app, {"number": 1})["output"] == {"number": 1}


def test_keys_are_rotated_without_a_moment_in_which_nothing_works(cloud: SdkServer, app: App) -> None:
    old, new = cloud.signing_key, cloud.manage("keys", "create-signing-key", ENVIRONMENT, "the next one")
    app.start(INNGEST_SIGNING_KEY=new, INNGEST_SIGNING_KEY_FALLBACK=old).sync()
    assert repeated(cloud, app, {"signed": "with the old one"})["status"] == "Completed"
    cloud.manage("keys", "rotate", "signing", ENVIRONMENT)
    app.start(INNGEST_SIGNING_KEY=new, INNGEST_SIGNING_KEY_FALLBACK="").sync()
    assert repeated(cloud, app, {"signed": "with the new one"})["status"] == "Completed"
    cloud.manage("keys", "revoke-signing-key", old)
    cloud.signing_key = new
    app.start(INNGEST_SIGNING_KEY=old)
    assert app.try_to_sync().status == 401
    app.start(INNGEST_SIGNING_KEY=new).sync()


def test_an_app_is_synced_in_band(cloud: SdkServer, app: App) -> None:
    said = cloud.manage("sync_app", ENVIRONMENT, app.url)
    assert "node" in said
    assert repeated(cloud, app, {"number": 2})["output"] == {"number": 2}


def test_events_need_the_key_of_the_environment(cloud: SdkServer, app: App) -> None:
    app.start(INNGEST_EVENT_KEY="wrong")
    sent = ask("POST", f"{app.origin}/send", {"name": "node/repeats", "data": {}})
    assert sent.status == 500
    assert "401" in sent.json["error"]
