"""The same features in every framework, in functions without async: Flask and Django; and in streamed answers."""

from collections.abc import Iterator

import pytest

from tests.sdk.conftest import python_app
from tests.sdk.harness import App, SdkServer, hash_of
from tests.waiting import wait_for

Runs = dict[str, str]

EVENTS = {
    "memoised": {},
    "sleeps": {},
    "adds": {"a": 1, "b": 1},
    "invokes": {},
    "sends": {},
    "fans": {},
    "catches": {},
    "breaks": {},
    "fails_loudly": {"n": 1},
    "waits": {"n": 0},
}


@pytest.fixture(scope="module", params=["flask", "django"])
def app(request: pytest.FixtureRequest) -> App:
    named: App = request.getfixturevalue({"flask": "flask", "django": "django_app"}[request.param])
    return named


@pytest.fixture(scope="module")
def sent(dev: SdkServer, app: App) -> Runs:
    """The ids of the events that start the app's functions, by the functions' names."""
    number = {"flask": 501, "django": 502}[app.app_id]
    data = {**EVENTS, "waits": {"n": number}}
    ids = dev.send([{"name": f"{app.app_id}/{name}", "data": one} for name, one in data.items()])
    return dict(zip(data, ids, strict=True))


def test_steps_are_executed_once_and_their_values_kept(dev: SdkServer, app: App, sent: Runs) -> None:
    run = dev.completed(sent["memoised"])
    assert len(set(run["output"])) == 3
    assert app.effects(run["run_id"]) == ["draw"] * 3
    assert len(app.calls(run["run_id"])) == 4


def test_a_run_sleeps(dev: SdkServer, app: App, sent: Runs) -> None:
    run = dev.completed(sent["sleeps"])
    assert run["output"] == "awake"
    assert len(app.calls(run["run_id"])) == 2


def test_a_run_waits_for_an_event(dev: SdkServer, app: App, sent: Runs) -> None:
    number = {"flask": 501, "django": 502}[app.app_id]
    run = dev.started(sent["waits"])
    wait_for(lambda: any(wait["status"] == "Open" for wait in dev.run(run)["waits"]), "the run waits")
    dev.send_one("test/answer", {"n": number, "from": "afar"})
    assert dev.completed(sent["waits"])["output"] == {"n": number, "from": "afar"}


def test_functions_are_invoked(dev: SdkServer, app: App, sent: Runs) -> None:
    assert dev.completed(sent["invokes"])["output"] == {"sum": 3, "app": app.app_id}


def test_steps_send_events(dev: SdkServer, app: App, sent: Runs) -> None:
    [event] = dev.completed(sent["sends"])["output"]
    assert dev.completed(event)["output"] == {"sum": 11, "app": app.app_id}


def test_parallel_steps_call_the_function_as_often_as_the_protocol_says(dev: SdkServer, app: App, sent: Runs) -> None:
    run = dev.completed(sent["fans"])
    assert run["output"] == list(range(5))
    steps = [call.step for call in app.calls(run["run_id"])]
    assert (steps[0], steps[-1]) == ("step", "step")
    assert sorted(steps[1:-1]) == sorted(hash_of(f"branch {number}") for number in range(5))


def test_the_error_of_a_step_is_caught(dev: SdkServer, app: App, sent: Runs) -> None:
    run = dev.completed(sent["catches"])
    assert run["output"] == "again and again"
    assert app.effects(run["run_id"]) == ["try"] * 3


def test_a_function_is_retried_and_fails(dev: SdkServer, app: App, sent: Runs) -> None:
    run = dev.failed(sent["breaks"])
    assert run["output"]["message"] == "outside of steps"
    assert app.effects(run["run_id"]) == ["try"] * 2


def test_a_failure_handler_is_called(dev: SdkServer, app: App, sent: Runs) -> None:
    failed = dev.failed(sent["fails_loudly"])
    [heard] = dev.runs_by(f"{app.app_id}-fails_loudly-failure")
    told = dev.wait_ended(heard["run_id"])["output"]
    assert (told["run_id"], told["error"]["message"]) == (failed["run_id"], "heard by all")
    assert told["event"]["data"] == {"n": 1}


@pytest.fixture(scope="module")
def streaming(dev: SdkServer) -> Iterator[App]:
    """An app that answers with 201 at once, and streams what it has to say."""
    app = python_app(dev, "fastapi", "streaming", {"INNGEST_STREAMING": "force", "TOPIC": "streamed"})
    try:
        app.start().sync()
        yield app
    finally:
        app.stop()


def test_streamed_answers_are_read(dev: SdkServer, streaming: App) -> None:
    names = ("memoised", "breaks", "gives_up", "fans", "stumbles")
    data: dict[str, object] = {"fans": {"branches": 5}}
    ids = dev.send([{"name": f"streamed/{name}", "data": data.get(name, {})} for name in names])
    events = dict(zip(names, ids, strict=True))
    run = dev.completed(events["memoised"])
    assert streaming.effects(run["run_id"]).count("draw") == 3
    assert {call.status for call in streaming.calls(run["run_id"])} == {201}
    assert dev.failed(events["breaks"])["output"]["message"] == "attempt 2"
    failed = dev.failed(events["gives_up"])
    assert streaming.effects(failed["run_id"]) == ["try"]
    fanned = dev.completed(events["fans"])
    assert len(streaming.calls(fanned["run_id"])) == 7
    assert dev.completed(events["stumbles"])["output"]["tries"] == 3
