"""The TypeScript SDK's errors: steps and functions that fail for a while, for good, and with a time to try again."""

import pytest

from tests.sdk.harness import App, Json, SdkServer
from tests.sdk.node_app import function_calls, recorded, send, step_calls, steps_by_name
from tests.waiting import wait_for

pytest_plugins = ["tests.sdk.node_fixtures"]


@pytest.fixture(scope="module")
def events(dev: SdkServer, node: App) -> dict[str, str]:
    scenarios = {
        "step-recovers": {},
        "step-caught": {},
        "step-uncaught": {},
        "step-not-retried caught": {"catches": True},
        "step-not-retried": {},
        "step-later": {},
        "function-later": {},
        "function-fails": {},
        "function-recovers": {},
        "function-at-once": {},
        "no-retries": {},
        "no-retries step": {"inStep": True},
        "throws-oddly text": {"thrown": "only a text"},
        "throws-oddly object": {"thrown": {"code": 7}},
        "with-handler": {"order": 5},
    }
    return send(dev, "node", scenarios)


def tried(node: App, run: Json) -> list[tuple[int, int | None]]:
    """Attempt and answer of every call of the function."""
    return [(call.attempt, call.status) for call in function_calls(node, run)]


def test_a_step_that_fails_is_tried_again_and_counted_by_itself(
    dev: SdkServer, node: App, events: dict[str, str]
) -> None:
    run = dev.completed(events["step-recovers"])
    assert run["output"] == {"steady": "steady", "tries": 2}
    assert tried(node, run) == [(0, 206), (0, 206), (1, 206), (2, 206), (0, 200)]
    assert {call["max_attempts"] for call in recorded(node, run)} == {5}
    assert steps_by_name(run)["steady"]["status"] == "Completed"


def test_a_step_that_has_failed_for_good_throws_what_it_threw(
    dev: SdkServer, node: App, events: dict[str, str]
) -> None:
    run = dev.completed(events["step-caught"])
    assert run["output"] == {
        "error": "TypeError: never works",
        "step": "always",
        "cause": "its cause",
        "instead": "plan B",
    }
    assert tried(node, run) == [(0, 206), (1, 206), (2, 206), (0, 206), (0, 200)]
    failed = steps_by_name(run)["always"]
    assert (failed["status"], failed["error"]["message"]) == ("Failed", "never works")


def test_a_function_that_does_not_catch_it_fails_with_its_step(
    dev: SdkServer, node: App, events: dict[str, str]
) -> None:
    run = dev.failed(events["step-uncaught"])
    assert (run["output"]["name"], run["output"]["message"]) == ("TypeError", "never works")
    assert tried(node, run) == [(0, 206), (0, 206), (1, 206), (0, 400)]


def test_a_step_that_must_not_be_retried_is_not(dev: SdkServer, node: App, events: dict[str, str]) -> None:
    run = dev.completed(events["step-not-retried caught"])
    assert run["output"] == "NonRetriableError: no use trying"
    assert tried(node, run) == [(0, 206), (0, 200)]
    run = dev.failed(events["step-not-retried"])
    assert run["output"]["message"] == "no use trying"
    assert tried(node, run) == [(0, 206), (0, 400)]


def test_a_step_and_a_function_say_when_they_are_tried_again(dev: SdkServer, node: App, events: dict[str, str]) -> None:
    for scenario in ("step-later", "function-later"):
        run = dev.completed(events[scenario])
        assert run["output"] == "later"
        first, second, *_ = function_calls(node, run)
        assert 1.5 < second.at - first.at < 8
        assert (first.attempt, second.attempt) == (0, 1)


def test_a_function_that_fails_is_tried_as_often_as_it_says(dev: SdkServer, node: App, events: dict[str, str]) -> None:
    run = dev.failed(events["function-fails"])
    assert (run["output"]["name"], run["output"]["message"]) == ("RangeError", "failed at attempt 2")
    assert "errors.mjs" in run["output"]["stack"]
    # The SDK knows the last try by `max_attempts`, and says so.
    assert tried(node, run) == [(0, 500), (1, 500), (2, 400)]


def test_a_function_that_fails_between_steps_keeps_what_it_has(
    dev: SdkServer, node: App, events: dict[str, str]
) -> None:
    run = dev.completed(events["function-recovers"])
    assert run["output"] == ["before", "after"]
    assert tried(node, run) == [(0, 206), (0, 500), (1, 500), (2, 206), (0, 500), (1, 500), (2, 200)]


def test_a_function_that_must_not_be_retried_is_not(dev: SdkServer, node: App, events: dict[str, str]) -> None:
    run = dev.failed(events["function-at-once"])
    assert run["output"]["message"] == "no use trying"
    assert tried(node, run) == [(0, 400)]


def test_without_retries_there_is_one_try(dev: SdkServer, node: App, events: dict[str, str]) -> None:
    run = dev.failed(events["no-retries"])
    assert run["output"]["message"] == "once"
    assert tried(node, run) == [(0, 400)]
    run = dev.failed(events["no-retries step"])
    assert run["output"]["message"] == "once in a step"
    assert tried(node, run) == [(0, 206), (0, 400)]
    assert not step_calls(node, run)


def test_whatever_is_thrown_is_told(dev: SdkServer, events: dict[str, str]) -> None:
    assert dev.failed(events["throws-oddly text"])["output"]["message"] == "only a text"
    assert dev.failed(events["throws-oddly object"])["output"]["message"] == '{"code":7}'


def test_a_failure_handler_hears_of_the_run_the_error_and_the_event(
    dev: SdkServer, node: App, events: dict[str, str]
) -> None:
    run = dev.failed(events["with-handler"])
    effects = wait_for(lambda: node.effects_with_times(run["run_id"]), "the handler has run")
    assert [effect["what"] for effect in effects] == [
        {
            "mailed": "mailed about beyond repair",
            "failed": "node-with-handler",
            "error": "RangeError: beyond repair",
            "original": "node/with-handler",
        }
    ]
