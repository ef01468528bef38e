"""Errors in functions in Python: what is tried again, what is not, and who hears of it."""

from collections import Counter

from tests.sdk.harness import App, SdkServer, steps_of

Started = dict[str, str]


def gap(app: App, run_id: str) -> float:
    """Seconds between a run's first two tries."""
    first, second = [one["at"] for one in app.effects_with_times(run_id) if one["what"] == "try"][:2]
    return float(second - first)


def test_a_step_that_fails_is_tried_again_until_it_succeeds(dev: SdkServer, fastapi: App, started: Started) -> None:
    run = dev.completed(started["stumbles"])
    assert run["output"] == {"tries": 3, "attempt": 0}
    assert fastapi.effects(run["run_id"]) == ["try"] * 3
    assert [call.attempt for call in fastapi.calls(run["run_id"])] == [0, 1, 2, 0]
    [step] = steps_of(run)
    assert (step["status"], step["attempts"]) == ("Completed", 3)


def test_a_step_without_attempts_left_raises_its_error_in_the_function(
    dev: SdkServer, fastapi: App, started: Started
) -> None:
    run = dev.completed(started["catches"])
    assert run["output"] == {"name": "KeyError", "message": "'no such thing'", "after": "went on"}
    assert fastapi.effects(run["run_id"]) == ["try", "try", "try", "after"]
    failing, after = steps_of(run)
    assert (failing["status"], failing["error"]["name"]) == ("Failed", "KeyError")
    assert after["status"] == "Completed"


def test_a_step_s_error_that_is_not_caught_fails_the_run(dev: SdkServer, fastapi: App, started: Started) -> None:
    run = dev.failed(started["passes_on"])
    assert run["output"]["message"] == "'not caught'"
    assert fastapi.effects(run["run_id"]) == ["try"] * 3


def test_an_error_that_says_so_is_not_tried_again(dev: SdkServer, fastapi: App, started: Started) -> None:
    for name in ("gives_up", "gives_up_outside"):
        run = dev.failed(started[name])
        assert (run["output"]["name"], run["output"]["message"]) == ("NonRetriableError", "never again")
        assert fastapi.effects(run["run_id"]) == ["try"]


def test_an_error_may_say_when_to_try_again(dev: SdkServer, fastapi: App, started: Started) -> None:
    outside = dev.completed(started["comes_back"])
    assert outside["output"] == 1
    within = dev.completed(started["comes_back_in_a_step"])
    assert within["output"] == 2
    for run in (outside, within):
        assert 1.9 < gap(fastapi, run["run_id"]) < 6


def test_a_function_that_fails_is_tried_as_often_as_it_says(dev: SdkServer, fastapi: App, started: Started) -> None:
    run = dev.failed(started["breaks"])
    assert (run["output"]["name"], run["output"]["message"]) == ("RuntimeError", "attempt 2")
    assert "failing.py" in run["output"]["stack"]
    assert [call.attempt for call in fastapi.calls(run["run_id"])] == [0, 1, 2]


def test_attempts_are_counted_anew_after_each_step(dev: SdkServer, fastapi: App, started: Started) -> None:
    run = dev.completed(started["breaks_between_steps"])
    assert run["output"] == ["one", "two"]
    assert Counter(fastapi.effects(run["run_id"])) == {"one": 1, "between": 6, "two": 1, "behind": 3}


def test_a_function_without_retries_is_called_once(dev: SdkServer, fastapi: App, started: Started) -> None:
    run = dev.failed(started["breaks_at_once"])
    assert run["output"]["message"] == "once is enough"
    assert len(fastapi.calls(run["run_id"])) == 1


def test_a_failure_handler_hears_what_failed_and_why(dev: SdkServer, fastapi: App, started: Started) -> None:
    for name, error, data in (
        ("fails_loudly", "heard by all", {"heard": True}),
        ("fails_in_a_step", "heard from a step", {}),
    ):
        failed = dev.failed(started[name])
        [heard] = dev.runs_by(f"fastapi-{name}-failure")
        run = dev.wait_ended(heard["run_id"])
        told = run["output"]
        assert run["status"] == "Completed"
        assert told["function_id"] == f"fastapi-{name}"
        assert told["run_id"] == failed["run_id"]
        assert (told["error"]["name"], told["error"]["message"]) == ("ValueError", error)
        assert told["event"]["name"] == f"test/{name}"
        assert told["event"]["data"] == data
        assert fastapi.effects(run["run_id"]) == ["told"]


def test_a_function_hears_that_another_has_finished(dev: SdkServer, started: Started) -> None:
    finished = dev.completed(started["echoes"])
    [heard] = dev.runs_by("fastapi-hears_finished")
    told = dev.wait_ended(heard["run_id"])["output"]
    assert (told["function_id"], told["run_id"]) == ("fastapi-echoes", finished["run_id"])
    assert told["result"] == finished["output"]
    assert told["event"]["name"] == "test/echoes"
