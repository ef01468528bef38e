"""Production mode: every call is signed, every sync is proved, and keys change without a call that is refused."""

import secrets
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from apps.devserver import fleet
from tests.sdk.conftest import python_app
from tests.sdk.harness import ENVIRONMENT, App, SdkServer, ask, keys_of
from tests.waiting import wait_for

REGISTRATION = {
    "url": "http://127.0.0.1:9/api/inngest",
    "deployType": "ping",
    "appName": "intruder",
    "sdk": "py:v0.5.19",
    "v": "0.1",
    "framework": "fast_api",
    "functions": [
        {
            "id": "intruder-f",
            "name": "f",
            "triggers": [{"event": "test/f"}],
            "steps": {
                "step": {
                    "id": "step",
                    "name": "step",
                    "runtime": {"type": "http", "url": "http://127.0.0.1:9/api/inngest?fnId=intruder-f&stepId=step"},
                }
            },
        }
    ],
}


def new_key() -> str:
    """A signing key that the server does not know."""
    return f"signkey-{ENVIRONMENT}-{secrets.token_hex(32)}"


@pytest.fixture(scope="module")
def app(production: SdkServer) -> Iterator[App]:
    app = python_app(production, "fastapi")
    try:
        app.start().sync()
        yield app
    finally:
        app.stop()


@pytest.fixture(scope="module")
def flask_app(production: SdkServer) -> Iterator[App]:
    app = python_app(production, "flask")
    try:
        app.start().sync()
        yield app
    finally:
        app.stop()


def runs(server: SdkServer, app: App) -> None:
    """A function of several steps runs, with every call accepted."""
    run = server.completed(server.send_one("test/memoised"))
    assert [call.status for call in app.calls(run["run_id"])] == [206, 206, 206, 200]


def test_apps_with_the_key_are_called_and_answer(production: SdkServer, app: App, flask_app: App) -> None:
    names = ("memoised", "echoes", "fans", "large", "sends")
    data: dict[str, object] = {"fans": {"branches": 5}, "echoes": {"größe": 1e21, "𝄞": [1.0, "\u2028"], "": None}}
    ids = production.send([{"name": f"test/{name}", "data": data.get(name, {})} for name in names])
    events = dict(zip(names, ids, strict=True))
    flask_event = production.send_one("flask/fans")
    for name in names:
        run = production.completed(events[name])
        assert {call.status for call in app.calls(run["run_id"])} <= {200, 206}, name
    assert production.completed(events["echoes"])["output"]["body"] == data["echoes"]
    assert {call.use_api for call in app.calls(production.ended(events["large"])["run_id"])} == {True, False}
    assert production.completed(flask_event)["output"] == list(range(5))


def test_an_unsigned_call_is_refused_by_the_app(app: App) -> None:
    body = {"event": {"name": "x"}, "events": [], "steps": {}, "ctx": {"run_id": "r", "attempt": 0}, "use_api": False}
    assert ask("POST", f"{app.url}?fnId=fastapi-memoised&stepId=step", body).status == 401


@pytest.mark.parametrize(
    "shown",
    [
        {},
        {"authorization": "Bearer " + "0" * 64},
        {"authorization": f"Bearer signkey-{ENVIRONMENT}-" + "0" * 64},
        {"authorization": "Basic YTpi"},
    ],
    ids=["no key", "a wrong key", "a wrong key with prefix", "another scheme"],
)
def test_a_sync_without_the_right_key_is_refused(production: SdkServer, shown: dict[str, str]) -> None:
    answer = ask("POST", f"{production.url}/fn/register", REGISTRATION, shown)
    assert answer.status == 401
    assert answer.json["error"]
    assert all(one["id"] != "intruder" for one in production.api("GET", "/v1/apps").json["data"])


def test_an_app_with_a_wrong_key_cannot_sync_and_says_why(production: SdkServer) -> None:
    app = python_app(production, "fastapi", "wrong", {"INNGEST_SIGNING_KEY": new_key()})
    try:
        answer = app.start().try_to_sync()
        assert "igning key" in answer.body.decode()
        assert not answer.json.get("ok")
    finally:
        app.stop()


def test_runs_go_on_when_the_app_has_its_key_again(production: SdkServer, app: App) -> None:
    right = keys_of(production)["INNGEST_SIGNING_KEY"]
    app.start(INNGEST_SIGNING_KEY=new_key())
    failing, patient = production.send([{"name": f"test/{name}", "data": {}} for name in ("breaks_at_once", "patient")])
    error = production.failed(failing)["output"]
    assert "401" in error["message"] or "nauthorized" in error["message"] or "signing key" in error["message"], error
    app.start(INNGEST_SIGNING_KEY=right)
    assert production.completed(patient)["output"] > 0


def test_keys_are_rotated_without_a_call_that_is_refused(production: SdkServer, app: App) -> None:
    old = keys_of(production)["INNGEST_SIGNING_KEY"]
    new = production.manage("keys", "create-signing-key", ENVIRONMENT, "the next one")
    runs(production, app)
    # The app changes first: it proves itself with the new key, and is called with the old one.
    app.start(INNGEST_SIGNING_KEY=new, INNGEST_SIGNING_KEY_FALLBACK=old)
    assert app.sync()["ok"]
    runs(production, app)
    production.manage("keys", "rotate", "signing", ENVIRONMENT)
    wait_for(lambda: signs_with(production, app, new), "the new key signs")
    runs(production, app)
    app.start(INNGEST_SIGNING_KEY=new, INNGEST_SIGNING_KEY_FALLBACK="")
    runs(production, app)
    assert app.sync()["ok"]
    production.manage("keys", "revoke-signing-key", old)
    # An app that is late: its own key has been revoked, and it proves itself with the fallback.
    app.start(INNGEST_SIGNING_KEY=old, INNGEST_SIGNING_KEY_FALLBACK=new)
    assert app.sync()["ok"]
    runs(production, app)
    production.signing_key = new
    app.start(INNGEST_SIGNING_KEY=new, INNGEST_SIGNING_KEY_FALLBACK="")


def signs_with(production: SdkServer, app: App, key: str) -> bool:
    """Whether the app, which accepts this key alone, is called with success."""
    app.start(INNGEST_SIGNING_KEY=key, INNGEST_SIGNING_KEY_FALLBACK="")
    return bool(production.ended(production.send_one("test/breaks_at_once"))["output"]["message"] == "once is enough")


def test_an_app_is_synced_in_band_by_the_server(production: SdkServer) -> None:
    app = python_app(production, "django", "in-band", {"INNGEST_ENABLE_UNAUTHED_SYNC": "0"})
    try:
        app.start()
        assert app.try_to_sync().status == 401
        assert "synced app in-band" in production.manage("sync_app", ENVIRONMENT, app.url)
        run = production.completed(production.send_one("in-band/memoised"))
        assert len(app.calls(run["run_id"])) == 4
        assert "nothing has changed" in production.manage("sync_app", ENVIRONMENT, app.url)
    finally:
        app.stop()


def test_an_app_without_the_key_is_not_synced_in_band(production: SdkServer) -> None:
    app = python_app(production, "flask", "stranger", {"INNGEST_SIGNING_KEY": new_key()})
    try:
        app.start()
        said = subprocess.run(
            fleet.manage("sync_app", ENVIRONMENT, app.url),
            env=production.environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        assert said.returncode == 1
        assert "does not accept our signature" in said.stderr
    finally:
        app.stop()


def test_a_branch_is_a_world_of_its_own(production: SdkServer, app: App) -> None:
    production.manage("keys", "create-environment", "branch")
    event_key, api_token, signing_key = (
        production.manage("keys", f"create-{kind}", "branch", "tests")
        for kind in ("event-key", "api-token", "signing-key")
    )
    shown = {"x-inngest-env": "feature", "authorization": f"Bearer {api_token}"}
    keys = {"INNGEST_ENV": "feature", "INNGEST_EVENT_KEY": event_key, "INNGEST_SIGNING_KEY": signing_key}
    there = python_app(production, "fastapi", settings=keys)
    try:
        assert there.start().sync()["ok"]

        def send() -> Any:
            # The event API reads the environments anew each second.
            return ask("POST", f"{production.url}/e/{event_key}", {"name": "test/memoised"}, shown).json.get("ids")

        path = f"{production.url}/v1/events/{wait_for(send, 'the branch is known')[0]}/runs"
        [run] = wait_for(lambda: ask("GET", path, headers=shown).json["data"], "a run has started there")
        wait_for(lambda: len(there.calls(run["run_id"])) == 4, "the app of the branch is called")
        assert app.calls(run["run_id"]) == []
        assert production.api("GET", f"/v1/runs/{run['run_id']}").status == 404
    finally:
        there.stop()
