"""Version 3 of the TypeScript SDK, which many apps are still on."""

import pytest

from tests.sdk.harness import App, SdkServer
from tests.sdk.node_app import function_calls, recorded, send, step_calls
from tests.waiting import wait_for

pytest_plugins = ["tests.sdk.node_fixtures"]


@pytest.fixture(scope="module")
def events(dev: SdkServer, node_version_3: App) -> dict[str, str]:
    scenarios = {
        "sequence": {"number": 1, "order": 2},
        "parallel": {"branches": 4},
        "recovers": {},
        "fails": {},
    }
    return send(dev, "node-v3", scenarios)


def test_version_3_runs_sleeps_invokes_and_waits(dev: SdkServer, events: dict[str, str]) -> None:
    run = dev.completed(events["sequence"])
    assert run["output"] == {"ran": {"number": 1}, "invocation": 2, "answered": 2, "silence": None}


def test_version_3_is_called_by_each_branch_that_ends(
    dev: SdkServer, node_version_3: App, events: dict[str, str]
) -> None:
    run = dev.completed(events["parallel"])
    assert run["output"] == [0, 1, 2, 3]
    assert len(step_calls(node_version_3, run)) == 4
    assert 2 <= len(function_calls(node_version_3, run)) <= 5
    assert {call["version"] for call in recorded(node_version_3, run)} == {"-1", "1"}


def test_version_3_tries_a_step_again(dev: SdkServer, node_version_3: App, events: dict[str, str]) -> None:
    run = dev.completed(events["recovers"])
    assert run["output"] == 2
    assert [call.attempt for call in function_calls(node_version_3, run)] == [0, 1, 2, 0]


def test_version_3_hears_of_its_failure(dev: SdkServer, node_version_3: App, events: dict[str, str]) -> None:
    run = dev.failed(events["fails"])
    [effect] = wait_for(lambda: node_version_3.effects_with_times(run["run_id"]), "the handler has run")
    assert effect["what"] == {"error": "Error: no use trying"}
