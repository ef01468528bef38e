"""Steps of functions in Python: each is executed once, and what it gave is there in every later call."""

from datetime import datetime

import pytest

from tests.sdk.harness import App, SdkServer, hash_of, steps_of
from tests.sdk.scenarios import EVENTS, ODD_DATA

Started = dict[str, str]


def seconds_between(earlier: str, later: str) -> float:
    return (datetime.fromisoformat(later) - datetime.fromisoformat(earlier)).total_seconds()


def test_each_step_is_executed_once_and_its_value_is_kept(dev: SdkServer, fastapi: App, started: Started) -> None:
    run = dev.completed(started["memoised"])
    assert len(set(run["output"])) == 3
    assert fastapi.effects(run["run_id"]) == ["call", "draw", "call", "draw", "call", "draw", "call"]
    assert [(call.step, call.status) for call in fastapi.calls(run["run_id"])] == [("step", 206)] * 3 + [("step", 200)]
    assert [(step["id"], step["output"]) for step in steps_of(run)] == [
        (hash_of("number", index), value) for index, value in enumerate(run["output"])
    ]
    assert [(step["name"], step["op"], step["status"], step["attempts"]) for step in steps_of(run)] == [
        ("number", "StepRun", "Completed", 1)
    ] * 3


def test_a_step_that_returns_nothing_is_executed_once(dev: SdkServer, fastapi: App, started: Started) -> None:
    run = dev.completed(started["returns_nothing"])
    assert run["output"] is None
    assert fastapi.effects(run["run_id"]) == ["nothing"]


def test_a_function_without_steps_is_called_once(dev: SdkServer, fastapi: App, started: Started) -> None:
    run = dev.completed(started["without_steps"])
    assert run["output"] == {"got": {"what": "ever"}}
    assert len(fastapi.calls(run["run_id"])) == 1
    assert steps_of(run) == []


def test_a_run_sleeps_for_as_long_as_it_asked(dev: SdkServer, fastapi: App, started: Started) -> None:
    run = dev.completed(started["sleeps"])
    assert all(0.68 < slept < 5 for slept in run["output"]), run["output"]
    assert len(fastapi.calls(run["run_id"])) == 7
    by_name = {step["name"]: step for step in steps_of(run)}
    assert {by_name[name]["op"] for name in ("nap", "until", "past")} == {"Sleep"}
    assert seconds_between(by_name["nap"]["queued_at"], by_name["nap"]["ended_at"]) > 0.6


def test_what_the_context_says_is_true(dev: SdkServer, fastapi: App, started: Started) -> None:
    run = dev.completed(started["tells"])
    told = run["output"]
    event = dev.api("GET", f"/v1/events/{started['tells']}").json["data"]
    assert told["run_id"] == run["run_id"]
    assert told["attempt"] == 0
    assert told["event"]["name"] == "test/tells"
    assert told["event"]["data"] == {"n": 1}
    assert told["event"]["ts"] == event["ts"]
    assert told["events"] == [told["event"]["id"]] == [started["tells"]]
    assert told["job_id"]
    assert told["request_id"]


def test_steps_may_have_any_id(dev: SdkServer, fastapi: App, started: Started) -> None:
    run = dev.completed(started["odd_ids"])
    assert run["output"] == [str(number) for number in range(10)]
    assert fastapi.effects(run["run_id"]) == run["output"]
    assert [step["output"] for step in steps_of(run)] == run["output"]
    shown = [step["name"] for step in steps_of(run)]
    assert shown[2] == "schön ☃ 𝄞"
    assert shown[4:6] == ["again", "again"]


def test_ids_that_collide_end_the_run_with_an_error_that_says_so(dev: SdkServer, started: Started) -> None:
    run = dev.failed(started["colliding_ids"])
    assert hash_of("a", 1) in run["output"]["message"] or "a:1" in run["output"]["message"], run["output"]


def test_a_step_within_a_step_fails_the_run(dev: SdkServer, started: Started) -> None:
    assert "Nested steps are not supported" in dev.failed(started["nested"])["output"]["message"]


def test_event_data_comes_through_whatever_is_in_it(dev: SdkServer, started: Started) -> None:
    run = dev.completed(started["echoes"])
    assert run["output"] == {"body": ODD_DATA, "step": ODD_DATA, "events": 1}


@pytest.mark.parametrize("data", [{}, None], ids=["empty", "null"])
def test_an_event_may_have_no_data(dev: SdkServer, fastapi: App, data: object) -> None:
    [event] = dev.send([{"name": "test/without_steps", "data": data}])
    assert dev.completed(event)["output"] == {"got": {}}


def test_what_is_not_json_fails_the_run(dev: SdkServer, started: Started) -> None:
    assert "unserializable" in dev.failed(started["not_json"])["output"]["message"]
    assert "JSON" in dev.failed(started["not_a_number"])["output"]["message"]


def test_large_state_is_fetched_by_the_app(dev: SdkServer, fastapi: App, started: Started) -> None:
    run = dev.completed(started["large"])
    assert run["output"] == {"lengths": [1_000_000] * 2, "firsts": ["a", "b"], "data": EVENTS["large"]}
    assert [call.use_api for call in fastapi.calls(run["run_id"])] == [False, True, True, True]
    assert fastapi.effects(run["run_id"]) == ["a", "b"]


def test_an_output_past_the_limit_fails_the_run_and_says_so(dev: SdkServer, started: Started) -> None:
    message = dev.failed(started["too_large"])["output"]["message"]
    assert "2000000" in message.replace(",", "").replace("_", "").replace(" ", ""), message


def test_middleware_may_change_outputs(dev: SdkServer, started: Started) -> None:
    run = dev.completed(started["wraps"])
    assert run["output"] == {"wrapped": {"wrapped": 1}}
    assert [step["output"] for step in steps_of(run)] == [{"wrapped": 1}]
