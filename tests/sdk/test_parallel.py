"""Parallel steps: how often the function is called, and which steps wait for which."""

from collections import Counter

from tests.sdk.harness import App, SdkServer, hash_of, steps_of

Started = dict[str, str]


def targets(app: App, run_id: str) -> Counter[str]:
    """How often a call was to run just this one step."""
    return Counter(call.step for call in app.calls(run_id) if call.step != "step")


def test_branches_that_wait_for_each_other_call_the_function_twice_and_each_step_once(
    dev: SdkServer, fastapi: App, started: Started
) -> None:
    run = dev.completed(started["fans"])
    assert run["output"] == sum(range(20))
    assert targets(fastapi, run["run_id"]) == {hash_of(f"branch {number}"): 1 for number in range(20)}
    assert len(fastapi.calls(run["run_id"])) == 1 + 20 + 1
    assert sorted(fastapi.effects(run["run_id"])) == sorted(["after", *(f"branch {number}" for number in range(20))])
    assert {(step["op"], step["status"]) for step in steps_of(run)} == {("StepRun", "Completed")}


def test_branches_that_race_call_the_function_after_each_of_them(
    dev: SdkServer, fastapi: App, started: Started
) -> None:
    run = dev.completed(started["fans race"])
    assert run["output"] == sum(range(20))
    assert targets(fastapi, run["run_id"]) == {hash_of(f"branch {number}"): 1 for number in range(20)}
    assert 1 + 20 + 1 <= len(fastapi.calls(run["run_id"])) <= 1 + 20 + 20
    assert Counter(fastapi.effects(run["run_id"]))["branch 7"] == 1


def test_steps_before_between_and_after_branches_are_executed_once(
    dev: SdkServer, fastapi: App, started: Started
) -> None:
    run = dev.completed(started["fans_twice"])
    assert run["output"] == list(range(7))
    assert len(fastapi.calls(run["run_id"])) == 10
    assert sorted(fastapi.effects(run["run_id"])) == [f"value {number}" for number in range(7)]


def test_steps_before_between_and_after_races_are_executed_once(dev: SdkServer, fastapi: App, started: Started) -> None:
    run = dev.completed(started["fans_twice race"])
    assert run["output"] == list(range(7))
    assert sorted(fastapi.effects(run["run_id"])) == [f"value {number}" for number in range(7)]


def test_every_kind_of_step_may_be_a_branch(dev: SdkServer, fastapi: App, started: Started) -> None:
    expected = ["run", None, True, {"sum": 2, "event": "inngest/function.invoked"}, "in a branch"]
    run = dev.completed(started["fans_mixed"])
    assert run["output"] == expected
    assert Counter(fastapi.effects(run["run_id"])) == {"run": 1, "failing": 5}
    assert len(fastapi.calls(run["run_id"])) == 1 + 1 + 5 + 1
    racing = dev.completed(started["fans_mixed race"])
    assert racing["output"] == expected
    assert Counter(fastapi.effects(racing["run_id"])) == {"run": 1, "failing": 5}
    assert 1 + 1 + 5 + 1 <= len(fastapi.calls(racing["run_id"])) <= 1 + 1 + 5 + 5


def test_only_a_racing_branch_goes_on_before_the_others(dev: SdkServer, fastapi: App, started: Started) -> None:
    for name, order in (
        ("chains", ["slow 1 ends", "quick 2 begins"]),
        ("chains race", ["quick 2 ends", "slow 1 ends"]),
    ):
        run = dev.completed(started[name])
        assert run["output"] == ["quick 1quick 2", "slow 1slow 2"]
        effects = fastapi.effects(run["run_id"])
        assert [effect for effect in effects if effect in order] == order
        assert len(effects) == 8
