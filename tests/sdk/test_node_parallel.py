"""The TypeScript SDK's parallel steps: how often the function is called while branches run, race, and end."""

import pytest

from tests.sdk.harness import App, SdkServer
from tests.sdk.node_app import function_calls, recorded, send, step_calls, steps_by_name

pytest_plugins = ["tests.sdk.node_fixtures"]

BRANCHES = 20


@pytest.fixture(scope="module")
def events(dev: SdkServer, node: App) -> dict[str, str]:
    scenarios = {
        "parallel-all": {"branches": BRANCHES},
        "parallel-then-one": {},
        "parallel-chains": {},
        "parallel-mixed": {"number": 21},
        "parallel-failing": {},
        "race": {},
        "group-race": {},
        "group-race-runs": {"branches": 3},
        "not-optimized": {"branches": 3},
        "chains-not-optimized": {},
    }
    return send(dev, "node", scenarios)


def test_when_all_branches_have_ended_the_function_is_called_once(
    dev: SdkServer, node: App, events: dict[str, str]
) -> None:
    run = dev.completed(events["parallel-all"])
    assert run["output"] == {"branches": list(range(BRANCHES))}
    planning, last = function_calls(node, run)
    assert len(step_calls(node, run)) == BRANCHES
    assert len({call.step for call in step_calls(node, run)}) == BRANCHES
    assert (planning.immediate_off, last.immediate_off) == (False, False)


def test_after_the_branches_steps_run_at_once_again(dev: SdkServer, node: App, events: dict[str, str]) -> None:
    run = dev.completed(events["parallel-then-one"])
    assert run["output"] == ["before", 1, 2, "after"]
    assert len(step_calls(node, run)) == 2
    # before; the plan of two; after; the end.
    assert [call["opcodes"] for call in recorded(node, run) if call["step"] == "step"] == [
        [["StepRun", "before"]],
        [["StepPlanned", "one"], ["StepPlanned", "two"]],
        [["StepRun", "after"]],
        None,
    ]


def test_chains_of_steps_run_beside_each_other(dev: SdkServer, node: App, events: dict[str, str]) -> None:
    run = dev.completed(events["parallel-chains"])
    assert run["output"] == [["left 1", "left 2"], ["right 1", "right 2"]]
    assert len(function_calls(node, run)) == 3
    assert len(step_calls(node, run)) == 4


def test_a_step_a_sleep_a_wait_and_an_invoke_run_beside_each_other(
    dev: SdkServer, node: App, events: dict[str, str]
) -> None:
    run = dev.completed(events["parallel-mixed"])
    invoked = {"doubled": 42, "name": "inngest/function.invoked"}
    assert run["output"] == {"ran": "ran", "slept": None, "waited": None, "invoked": invoked}
    assert len(function_calls(node, run)) == 2
    assert len(step_calls(node, run)) == 1


def test_a_branch_that_fails_is_one_that_has_ended(dev: SdkServer, node: App, events: dict[str, str]) -> None:
    run = dev.completed(events["parallel-failing"])
    assert run["output"] == [["fulfilled", "well"], ["rejected", "RangeError: out of bounds"]]
    assert len(function_calls(node, run)) == 2
    assert sorted(call.attempt for call in step_calls(node, run)) == [0, 0, 1]


def test_a_race_goes_on_with_its_winner_when_all_have_ended(dev: SdkServer, node: App, events: dict[str, str]) -> None:
    run = dev.completed(events["race"])
    assert run["output"]["winner"] == "quick"
    planning, deciding, _ = function_calls(node, run)
    assert deciding.at - planning.at > 3.5
    assert len(step_calls(node, run)) == 1


def test_a_race_of_a_group_goes_on_with_the_first_that_ends(dev: SdkServer, node: App, events: dict[str, str]) -> None:
    run = dev.completed(events["group-race"])
    assert run["output"] == {"winner": "quick", "after": "after quick"}
    steps = steps_by_name(run)
    assert steps["quick"]["ended_at"] < steps["after"]["ended_at"] < steps["slow"]["ended_at"]
    assert {step["status"] for step in steps.values()} == {"Completed"}
    # One for each step that ends; the SDK returns only when what has lost has ended, too.
    calls = [call for call in recorded(node, run) if call["step"] == "step"]
    assert [call["immediate_off"] for call in calls[:2]] == [False, True]
    assert [len(call["steps"]) for call in calls] == [0, 1, 2, 3, 4]
    assert len(step_calls(node, run)) == 2


@pytest.mark.parametrize("scenario", ["group-race-runs", "not-optimized"])
def test_without_optimization_each_branch_that_ends_calls_the_function(
    dev: SdkServer, node: App, events: dict[str, str], scenario: str
) -> None:
    run = dev.completed(events[scenario])
    assert run["output"] == [0, 1, 2]
    assert len({call.step for call in step_calls(node, run)}) == len(step_calls(node, run)) == 3
    planning, *after = function_calls(node, run)
    # Once for each, unless the run has ended: branches may end while the function is being called.
    assert 1 <= len(after) <= 3
    assert not planning.immediate_off
    assert all(call.immediate_off for call in after[:-1])


def test_without_optimization_a_chain_goes_on_while_another_one_sleeps(
    dev: SdkServer, node: App, events: dict[str, str]
) -> None:
    run = dev.completed(events["chains-not-optimized"])
    steps = steps_by_name(run)
    assert run["output"] == [3, 3]
    assert steps["right third"]["ended_at"] < steps["left second"]["ended_at"]
    assert {step["status"] for step in steps.values()} == {"Completed"}
    assert {call["version"] for call in recorded(node, run)} == {"-1", "1"}
