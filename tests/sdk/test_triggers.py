"""What starts functions in Python, what cancels them, and what a registration may ask for."""

import pytest

from tests.sdk.harness import App, SdkServer
from tests.waiting import wait_for

Started = dict[str, str]


@pytest.fixture(scope="module")
def stopped(dev: SdkServer, fastapi: App) -> tuple[str, str]:
    """Two runs, the second of which an event has cancelled."""
    events = dev.send([{"name": "test/stoppable", "data": {"id": number}} for number in (1, 2)])
    kept, cancelled = (dev.started(event) for event in events)
    for run in (kept, cancelled):
        fastapi.wait_held("began", run_id=run)
    dev.send_one("test/stop", {"id": 2})
    return kept, cancelled


def test_an_event_cancels_the_runs_that_it_names(dev: SdkServer, fastapi: App, stopped: tuple[str, str]) -> None:
    kept, cancelled = stopped
    assert dev.wait_ended(cancelled)["status"] == "Cancelled"
    assert dev.run(kept)["status"] == "Running"
    [heard] = dev.runs_by("fastapi-hears_cancelled")
    told = dev.wait_ended(heard["run_id"])["output"]
    assert (told["function_id"], told["run_id"]) == ("fastapi-stoppable", cancelled)
    assert told["event"]["data"] == {"id": 2}


def test_a_run_is_cancelled_by_the_api(dev: SdkServer, fastapi: App, stopped: tuple[str, str]) -> None:
    kept, _ = stopped
    assert dev.api("DELETE", f"/v1/runs/{kept}").status < 300
    assert dev.run(kept)["status"] == "Cancelled"
    calls = len(fastapi.calls(kept))
    wait_for(lambda: len(dev.runs_by("fastapi-hears_cancelled")) >= 2, "the cancelling is heard of")
    assert len(fastapi.calls(kept)) == calls


def test_an_idempotency_key_starts_one_run(dev: SdkServer, fastapi: App) -> None:
    first, again, other = dev.send([{"name": "test/once", "data": {"key": key}} for key in ("a", "a", "b")])
    assert dev.completed(first)["output"] == {"key": "a"}
    assert dev.completed(other)["output"] == {"key": "b"}
    assert dev.runs_of(again) == []


def test_any_of_several_triggers_starts_a_function(dev: SdkServer, started: Started) -> None:
    for name in ("this", "that"):
        assert dev.completed(started[name])["output"] == f"test/{name}"


def test_an_event_starts_a_function_only_if_its_expression_holds(dev: SdkServer, fastapi: App) -> None:
    small, large = dev.send([{"name": "test/picky", "data": {"amount": amount}} for amount in (100, 101)])
    assert dev.completed(large)["output"] == {"amount": 101}
    assert dev.runs_of(small) == []


def test_what_is_not_enforced_yet_is_accepted_and_shown(dev: SdkServer, fastapi: App, started: Started) -> None:
    assert dev.completed(started["limited"])["output"] == "ran"
    functions = dev.api("GET", "/v1/apps/fastapi/functions?limit=100").json["data"]
    [limited] = [one for one in functions if one["id"].endswith("limited")]
    assert set(limited["not_enforced"]) == {"concurrency", "priority", "debounce", "timeouts"}


def test_the_same_functions_again_change_nothing(dev: SdkServer, fastapi: App) -> None:
    answer = fastapi.sync()
    assert (answer["ok"], answer["modified"]) == (True, False)


def test_a_cron_starts_a_function_at_the_minute(dev: SdkServer, fastapi: App) -> None:
    [tick, *_] = wait_for(lambda: dev.runs_by("fastapi-ticks", wait=False), "the minute is full", 65)
    run = dev.wait_ended(tick["run_id"])
    assert run["status"] == "Completed"
    assert run["output"]["event"] == "inngest/scheduled.timer"
    assert run["output"]["data"] == {"cron": "* * * * *"}
