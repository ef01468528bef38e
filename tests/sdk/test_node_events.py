"""The TypeScript SDK's events: what functions send, what starts and cancels them, and what the server tells of runs."""

import pytest

from tests.sdk.harness import App, Json, SdkServer, ask
from tests.sdk.node_app import function_calls, send
from tests.waiting import wait_for

pytest_plugins = ["tests.sdk.node_fixtures"]

TICK = (
    "UPDATE datastore_crontrigger SET next_at = date_trunc('year', now()) - interval '3 years'"
    " FROM datastore_function AS function WHERE function.id = function_id AND function.slug = %s RETURNING function_id"
)


@pytest.fixture(scope="module")
def events(dev: SdkServer, node: App) -> dict[str, str]:
    scenarios = {
        "sends-events": {"order": 1},
        "measured cold": {"degrees": 20},
        "measured hot": {"degrees": 40},
        "opened": {},
        "closed": {"loudly": True},
        "closed softly": {"loudly": False},
        "once": {"order": 2},
        "once again": {"order": 2},
        "once other": {"order": 3},
        "cancelled": {"order": 4},
        "cancelled if": {"order": 5},
        "cancelled not": {"order": 6},
        "cancelled-too-late": {"order": 7},
        "watched": {"order": 8},
        "watched fails": {"order": 9, "fails": True},
        "watched sleeps": {"order": 10, "sleeps": True},
        "fetches": {"url": node.origin},
        "fetches-nobody": {},
        "infers": {"url": node.origin, "question": "why?"},
    }
    return send(dev, "node", scenarios)


def phase_is(dev: SdkServer, event: str, phase: str) -> None:
    run = dev.started(event)
    wait_for(lambda: dev.run(run)["phase"] == phase, f"the run is {phase}")


def test_events_that_a_step_sends_start_functions(dev: SdkServer, node: App, events: dict[str, str]) -> None:
    run = dev.completed(events["sends-events"])
    sent = [*run["output"]["one"], *run["output"]["two"], *run["output"]["inStep"]]
    heard = [dev.completed(event)["output"] for event in sent]
    assert heard == [{"order": 1, "number": number} for number in (1, 2, 3, 4)]
    assert len(function_calls(node, run)) == 4


def test_an_app_sends_events(dev: SdkServer, node: App) -> None:
    answer = ask("POST", f"{node.origin}/send", [{"name": "node/sent", "data": {"number": 7}}])
    assert answer.status == 200, answer
    [event] = answer.json["ids"]
    assert dev.completed(event)["output"] == {"number": 7}


def test_an_event_that_an_app_sends_twice_under_one_id_starts_one_run(dev: SdkServer, node: App) -> None:
    event = {"name": "node/sent", "id": "the same", "data": {"number": 8}}
    [first], [again] = (ask("POST", f"{node.origin}/send", event).json["ids"] for _ in range(2))
    dev.completed(first)
    assert {run["run_id"] for run in dev.runs_of(first) + dev.runs_of(again)} == {dev.started(first)}


def test_a_trigger_has_a_condition(dev: SdkServer, events: dict[str, str]) -> None:
    assert dev.completed(events["measured hot"])["output"] == 40
    assert not dev.runs_of(events["measured cold"])


def test_a_function_has_several_triggers(dev: SdkServer, events: dict[str, str]) -> None:
    assert dev.completed(events["opened"])["output"] == "node/opened"
    assert dev.completed(events["closed"])["output"] == "node/closed"
    assert not dev.runs_of(events["closed softly"])


def test_a_function_runs_by_the_clock(dev: SdkServer, node: App) -> None:
    assert dev.rows(TICK, "node-yearly")
    listed = "/v1/runs?function_id=node-yearly&status=Completed"
    [run] = wait_for(lambda: dev.api("GET", listed).json["data"], "the cron has ticked")
    assert run["output"] == {"name": "inngest/scheduled.timer", "cron": "0 0 1 1 *"}


def test_a_function_runs_once_for_an_idempotency_key(dev: SdkServer, events: dict[str, str]) -> None:
    assert dev.completed(events["once"])["output"] == 2
    assert dev.completed(events["once other"])["output"] == 3
    [start] = dev.api("GET", f"/v1/events/{events['once again']}/starts").json["data"]
    assert (start["started"], start["why"]) == (False, "idempotency")


def test_an_event_cancels_the_run_that_it_matches_and_no_other(
    dev: SdkServer, node: App, events: dict[str, str]
) -> None:
    for scenario in ("cancelled", "cancelled if", "cancelled not"):
        phase_is(dev, events[scenario], "Sleeping")
    dev.send(
        [
            {"name": "node/cancel", "data": {"order": 4}},
            {"name": "node/cancel-if", "data": {"order": 5, "really": True}},
            {"name": "node/cancel-if", "data": {"order": 6, "really": False}},
        ]
    )
    for scenario in ("cancelled", "cancelled if"):
        run = dev.ended(events[scenario])
        assert run["status"] == "Cancelled"
        assert len(function_calls(node, run)) == 2
    assert dev.run(dev.started(events["cancelled not"]))["phase"] == "Sleeping"
    dev.send_one("node/cancel", {"order": 6})
    assert dev.ended(events["cancelled not"])["status"] == "Cancelled"


def test_a_cancelling_event_that_comes_after_its_time_cancels_nothing(dev: SdkServer, events: dict[str, str]) -> None:
    assert dev.completed(events["cancelled-too-late"])["output"] == "not cancelled"


def test_the_server_tells_of_runs_that_have_ended(dev: SdkServer, node: App, events: dict[str, str]) -> None:
    def told(run: Json) -> list[Json]:
        effects = wait_for(lambda: node.effects_with_times(run["run_id"]), "somebody has heard of it")
        return sorted((effect["what"] for effect in effects), key=lambda what: str(what["end"]))

    phase_is(dev, events["watched sleeps"], "Sleeping")
    dev.send_one("node/unwatched", {"order": 10})
    heard = {"event": "node/watched", "error": None, "result": None}
    run = dev.completed(events["watched"])
    assert told(run) == [{**heard, "end": "finished", "result": "watched"}]
    run = dev.failed(events["watched fails"])
    wait_for(lambda: len(told(run)) == 2, "both have heard of it")
    failed, finished = told(run)[0], told(run)[1]
    assert failed == {**heard, "end": "failed", "error": "watched and failed"}
    assert finished["end"] == "finished"
    run = dev.ended(events["watched sleeps"])
    assert "cancelled" in [what["end"] for what in told(run)]


def test_requests_are_steps(dev: SdkServer, node: App, events: dict[str, str]) -> None:
    run = dev.completed(events["fetches"])
    assert run["output"] == {
        "got": {"status": 200, "header": "heard", "body": {"method": "GET", "body": None, "header": "politely"}},
        "posted": {"status": 200, "body": {"method": "POST", "body": {"number": 1}, "header": None}},
        "missing": {"status": 404, "ok": False},
    }
    assert len(function_calls(node, run)) == 4


def test_a_request_to_nobody_fails_as_a_step_does(dev: SdkServer, events: dict[str, str]) -> None:
    assert "127.0.0.1:1" in dev.completed(events["fetches-nobody"])["output"]["caught"]


def test_inference_is_a_step(dev: SdkServer, node: App, events: dict[str, str]) -> None:
    run = dev.completed(events["infers"])
    assert run["output"] == {"model": "gpt-4o", "said": "Bearer sk-test: why?"}
    assert len(function_calls(node, run)) == 2
