"""An app is deployed with other functions under runs that wait: each run comes to a clear end."""

from collections.abc import Iterator

import pytest

from tests.sdk.conftest import python_app
from tests.sdk.harness import App, Json, SdkServer, steps_of
from tests.waiting import wait_for

FUNCTIONS = ("renamed", "shortened", "removed")


@pytest.fixture(scope="module")
def app(dev: SdkServer) -> Iterator[App]:
    app = python_app(dev, "fastapi", "changing")
    try:
        yield app.start([*app.command, "changing"], EDITION="first")
    finally:
        app.stop()


@pytest.fixture(scope="module")
def ended(dev: SdkServer, app: App) -> dict[str, Json]:
    """Runs that began with the first edition and ended with the second, by function."""
    app.sync()
    event = dev.send_one("changing/begin")
    runs = {name: dev.started(event, f"changing-{name}") for name in FUNCTIONS}
    wait_for(lambda: all(is_waiting(dev, run) for run in runs.values()), "all runs wait")
    app.start(EDITION="second")
    app.sync()
    dev.send_one("changing/deployed")
    return {name: dev.wait_ended(run) for name, run in runs.items()}


def is_waiting(dev: SdkServer, run: str) -> bool:
    return any(wait["status"] == "Open" for wait in dev.run(run)["waits"])


def test_a_step_with_another_id_is_a_new_step(app: App, ended: dict[str, Json]) -> None:
    run = ended["renamed"]
    assert run["status"] == "Completed"
    assert run["output"] == ["another in the second edition", "two in the second edition"]
    assert [step["name"] for step in steps_of(run)] == ["one", "deployed", "another", "two"]


def test_a_function_that_lost_its_steps_ends_with_what_it_returns(ended: dict[str, Json]) -> None:
    run = ended["shortened"]
    assert (run["status"], run["output"]) == ("Completed", "nothing to do")


def test_a_run_of_a_function_that_is_gone_fails_and_names_it(app: App, ended: dict[str, Json]) -> None:
    run = ended["removed"]
    assert run["status"] == "Failed"
    assert "changing-removed" in run["output"]["message"]


def test_a_function_that_is_gone_is_not_started_any_more(dev: SdkServer, ended: dict[str, Json]) -> None:
    event = dev.send_one("changing/begin")
    dev.started(event, "changing-renamed")
    assert {run["function_id"] for run in dev.runs_of(event)} == {"changing-renamed", "changing-shortened"}


def test_a_function_whose_branches_are_others_in_each_call_ends(
    dev: SdkServer, app: App, ended: dict[str, Json]
) -> None:
    """To the SDK there is nothing to do in a call for a branch that is not there any more: the function returns."""
    run = dev.completed(dev.send_one("changing/restless"))
    assert run["output"] == []
    assert app.effects(run["run_id"]) == []
    assert len(app.calls(run["run_id"])) <= 1 + 2
