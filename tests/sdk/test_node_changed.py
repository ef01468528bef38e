"""An app in TypeScript that changes under its runs: each of them comes to an end that says what happened."""

from collections.abc import Iterator

import pytest

from tests.sdk.harness import App, SdkServer
from tests.sdk.node_app import function_calls, node_app, send, step_calls, steps_by_name
from tests.waiting import wait_for

pytest_plugins = ["tests.sdk.node_fixtures"]

NOT_FOUND_SECONDS = 10
"""How long the SDK looks for a step that it is asked to run."""


@pytest.fixture(scope="module")
def patient() -> Iterator[SdkServer]:
    """A server that waits for answers for longer than the SDK looks for a step."""
    server = SdkServer("dev", workers=1, settings={"SDK_CALL_SECONDS": str(3 * NOT_FOUND_SECONDS)})
    try:
        server.start()
        yield server
    finally:
        server.close()


@pytest.fixture(scope="module")
def changed(patient: SdkServer) -> Iterator[App]:
    app = node_app(patient, "node")
    try:
        app.start(FUNCTIONS="before").sync()
        yield app
    finally:
        app.stop()


@pytest.fixture(scope="module")
def events(patient: SdkServer, changed: App) -> dict[str, str]:
    """Events whose runs have begun with the functions of before, and sleep until these have changed."""
    ids = send(patient, "node", {"renames": {}, "disappears": {}, "shrinks": {}, "returns": {}})
    for event in ids.values():
        run = patient.started(event)
        wait_for(lambda run=run: patient.run(run)["phase"] == "Sleeping", "the run sleeps")  # type: ignore[misc]
    changed.start(FUNCTIONS="after")
    return ids


def test_a_step_that_is_called_something_else_now_is_another_step(patient: SdkServer, events: dict[str, str]) -> None:
    run = patient.completed(events["renames"])
    assert run["output"] == {"first": "after"}
    assert {name: step["status"] for name, step in steps_by_name(run).items()} == {
        "first": "Completed",
        "renamed": "Completed",
        "until it has changed": "Completed",
    }


def test_a_function_that_is_not_there_any_more_fails_and_says_so(
    patient: SdkServer, changed: App, events: dict[str, str]
) -> None:
    run = patient.failed(events["disappears"])
    assert 'Function "node-disappears" was not found in this app' in run["output"]["message"]
    # One retry, as its registration says.
    assert len(function_calls(changed, run)) == 2


def test_a_planned_step_that_is_not_there_any_more_fails_the_run_and_says_so(
    patient: SdkServer, changed: App, events: dict[str, str]
) -> None:
    run = patient.failed(events["shrinks"])
    assert "Could not find step" in run["output"]["message"]
    assert steps_by_name(run)["kept"]["status"] == "Completed"
    [asked] = step_calls(changed, run)
    assert asked.status == 500
    assert not function_calls(changed, run)


def test_a_function_that_returns_when_it_is_asked_for_a_step_has_returned(
    patient: SdkServer, events: dict[str, str]
) -> None:
    run = patient.completed(events["returns"])
    assert run["output"] == {"kept": "kept"}
    assert steps_by_name(run)["dropped"]["status"] == "Cancelled"
