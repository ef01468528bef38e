"""The TypeScript SDK's steps: what they give back is remembered, whatever they are called and whatever it is."""

import pytest

from tests.sdk.harness import STATE_MAX_BYTES, App, SdkServer
from tests.sdk.node_app import function_calls, outgoing, recorded, send, step_calls, steps_by_name

pytest_plugins = ["tests.sdk.node_fixtures"]


@pytest.fixture(scope="module")
def events(dev: SdkServer, node: App) -> dict[str, str]:
    scenarios = {
        "values": {"text": "größe"},
        "returns-nothing": {},
        "only-once": {},
        "inputs": {"one": 1, "other": 2},
        "ids": {},
        "sleeps": {},
        "large step": {"bytes": STATE_MAX_BYTES + 1000, "filling": ""},
        "large event": {"bytes": 10, "filling": "x" * (STATE_MAX_BYTES + 1000)},
        "middleware": {"order": 1},
        "streams": {},
        "streams-error": {},
    }
    return send(dev, "node", scenarios)


def test_a_step_gives_back_what_json_makes_of_its_value(dev: SdkServer, node: App, events: dict[str, str]) -> None:
    run = dev.completed(events["values"])
    assert run["output"] == {
        "nothing": None,
        "null": None,
        "zero": 0,
        "no": False,
        "empty": "",
        "text": "größe!",
        "list": [1, None, {"kept": None}],
        "date": "1970-01-01T00:00:00.000Z",
        "error": {"error": "a value like any other"},
        "data": {"data": {"data": 1}},
    }
    assert len(function_calls(node, run)) == 11
    assert not step_calls(node, run)


def test_a_function_that_returns_nothing_has_null_as_its_output(dev: SdkServer, events: dict[str, str]) -> None:
    assert dev.completed(events["returns-nothing"])["output"] is None


def test_a_step_runs_once_and_is_remembered_in_every_later_call(
    dev: SdkServer, node: App, events: dict[str, str]
) -> None:
    run = dev.completed(events["only-once"])
    first, second, third = (run["output"][name] for name in ("first", "second", "third"))
    assert second["first"] == first
    assert third == second
    calls = recorded(node, run)
    assert [call["opcodes"] for call in calls] == [
        [["StepRun", "first"]],
        [["StepRun", "second"]],
        [["StepRun", "third"]],
        None,
    ]
    assert [len(call["steps"]) for call in calls] == [0, 1, 2, 3]
    # In the order in which they ended, which the SDK replays.
    assert [len(call["stack"]) for call in calls] == [0, 1, 2, 3]
    assert [call["attempt"] for call in calls] == [0, 0, 0, 0]
    assert [call["version"] for call in calls] == ["-1", "2", "2", "2"]


def test_steps_take_inputs(dev: SdkServer, events: dict[str, str]) -> None:
    assert dev.completed(events["inputs"])["output"] == {"sum": 3, "wrapped": {"said": "HELLO"}}


def test_a_step_may_be_called_anything_also_the_same_again(dev: SdkServer, node: App, events: dict[str, str]) -> None:
    run = dev.completed(events["ids"])
    assert run["output"] == {
        "looped": [0, 1, 2],
        "taken": "an id that the loop has had",
        "unicode": "duck",
        "odd": "odd",
        "long": "long",
        "named": "named",
        "step": "as the function itself is called",
    }
    assert len(function_calls(node, run)) == 10
    assert {"größe 尺寸 🦆", "By its name", "step"} <= set(steps_by_name(run))


def test_a_function_sleeps_for_a_time_and_until_a_time(dev: SdkServer, node: App, events: dict[str, str]) -> None:
    run = dev.completed(events["sleeps"])
    assert 1000 <= run["output"]["slept"] < 4000
    assert 3000 <= run["output"]["took"] < 9000
    assert len(function_calls(node, run)) == 8


@pytest.mark.parametrize("what", ["step", "event"])
def test_state_that_is_too_large_for_a_call_is_fetched_by_the_app(
    dev: SdkServer, node: App, events: dict[str, str], what: str
) -> None:
    run = dev.completed(events[f"large {what}"])
    length = STATE_MAX_BYTES + 1000 if what == "step" else 10
    filling = 0 if what == "step" else STATE_MAX_BYTES + 1000
    assert run["output"] == {
        "length": length,
        "one": length + 1,
        "two": length + 2,
        "events": 1,
        "filling": filling,
    }
    calls = recorded(node, run)
    assert [call["use_api"] for call in calls] == [what == "event", True, True, True, True]
    assert all(call["steps"] == [] for call in calls)
    for asked in ("batch", "actions"):
        statuses = [one["status"] for one in outgoing(node) if one["path"] == f"/v0/runs/{run['run_id']}/{asked}"]
        assert statuses == [200] * sum(call["use_api"] for call in calls)


def test_middleware_changes_what_goes_to_the_server_and_what_comes_back(dev: SdkServer, events: dict[str, str]) -> None:
    run = dev.completed(events["middleware"])
    assert run["output"] == {"secret": {"word": "sesame"}, "injected": "by the middleware", "stamped": True}
    assert set(steps_by_name(run)["secret"]["output"]) == {"sealed"}


def test_answers_may_be_streamed(dev: SdkServer, node: App, events: dict[str, str]) -> None:
    run = dev.completed(events["streams"])
    assert run["output"] == [1, "slow", 2, 3]
    calls = function_calls(node, run)
    assert [(call.attempt, call.status) for call in calls] == [(0, 201), (0, 201), (0, 201), (0, 201), (1, 201)]
    assert len(step_calls(node, run)) == 2
    failed = dev.failed(events["streams-error"])
    assert failed["output"]["message"] == "streamed"


def test_the_sdk_is_not_asked_to_checkpoint_and_does_not(dev: SdkServer, node: App, events: dict[str, str]) -> None:
    run = dev.completed(events["only-once"])
    assert not any(call["may_checkpoint"] for call in recorded(node, run))
    assert not [one for one in outgoing(node) if "checkpoint" in one["path"]]
