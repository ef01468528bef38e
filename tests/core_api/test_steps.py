"""What is said of a run's steps: those that ran, those that are to come, and those that never will."""

import pytest
from rest_framework.test import APIClient

from apps.datastore.definition.types import Async, CancelOn, Edge
from apps.executor.recording import record
from drivers.answers import unavailable
from tests.clock import Clock
from tests.core_api.living import consume, read, send, step_statuses, steps_of, the_run, work
from tests.core_api.rows import NOW
from tests.executor.finishing import lease, with_outcome
from tests.functions import ScriptedDriver, deploy_steps, fail, succeed
from tests.state.items import add_worker

CONFIRMED = Async("user/confirmed", ttl=3_600)


def test_a_step_that_waits_for_its_time_sleeps_and_tells_until_when(
    client: APIClient, driver: ScriptedDriver, clock: Clock
) -> None:
    deploy_steps({"a": [Edge("$trigger", wait=3_600.0)]})
    send()
    work()
    step = the_run(client)["steps"][0]
    assert (step["status"], step["attempts"]) == ("Sleeping", 0)
    assert NOW.isoformat() < step["queued_at"] < step["due_at"]
    clock.move(hours=1)
    consume()
    step = the_run(client)["steps"][0]
    assert (step["status"], step["due_at"]) == ("Queued", None)


def test_a_step_that_waits_for_its_next_try_is_retrying_and_tells_when(
    client: APIClient, driver: ScriptedDriver, clock: Clock
) -> None:
    driver.answer = lambda call: fail(retry_after=600)
    deploy_steps({"a": [Edge("$trigger")]}, attempts=2)
    send()
    work()
    step = the_run(client)["steps"][0]
    assert (step["status"], step["attempts"], len(step["tries"])) == ("Retrying", 1, 1)
    assert step["due_at"] > step["started_at"]
    clock.move(minutes=11)
    consume()
    assert step_statuses(client) == {"a": "Queued"}
    lease(add_worker())
    assert step_statuses(client) == {"a": "Running"}


def test_a_step_whose_engine_is_away_waits_and_tells_why(
    client: APIClient, driver: ScriptedDriver, clock: Clock
) -> None:
    deploy_steps({"a": [Edge("$trigger")]}, attempts=2)
    driver.answer = lambda call: unavailable("EngineAway", "the engine does not answer")
    send()
    work()
    step = the_run(client)["steps"][0]
    why = "attempt 1 waits: the engine does not answer"
    assert (step["status"], step["attempts"], step["reason"], step["tries"]) == ("Waiting", 0, why, [])
    assert step["due_at"] is not None
    clock.move(minutes=1)
    consume()
    assert step_statuses(client) == {"a": "Waiting"}
    leased = lease(add_worker())
    assert step_statuses(client) == {"a": "Running"}
    record([with_outcome(one, fail(retry_after=600)) for one in leased])
    step = the_run(client)["steps"][0]
    assert (step["status"], step["reason"]) == ("Retrying", None)


def test_steps_still_to_come_are_pending_behind_those_that_were_reached(
    client: APIClient, driver: ScriptedDriver
) -> None:
    deploy_steps({"z": [Edge("b")], "b": [Edge("$trigger")], "c": [Edge(steps=("b", "z"))]})
    send()
    consume()
    assert step_statuses(client) == {"b": "Queued", "z": "Pending", "c": "Pending"}
    pending = steps_of(the_run(client))["z"]
    assert pending == {
        "id": "z",
        "name": "z",
        "op": "StepRun",
        "status": "Pending",
        "reason": None,
        "attempts": 0,
        "output": None,
        "error": None,
        "event_id": None,
        "queued_at": None,
        "due_at": None,
        "waits_for": None,
        "started_at": None,
        "ended_at": None,
        "tries": [],
        "omitted": False,
    }
    work()
    assert step_statuses(client) == {"b": "Completed", "z": "Completed", "c": "Completed"}


def test_a_step_that_is_not_reached_can_be_asked_for_by_itself(client: APIClient, driver: ScriptedDriver) -> None:
    deploy_steps({"a": [Edge("$trigger")], "b": [Edge("a")]})
    send()
    consume()
    run = the_run(client)
    assert read(client, f"/v1/runs/{run['run_id']}/steps/b") == run["steps"][1]
    assert client.get(f"/v1/runs/{run['run_id']}/steps/c").status_code == 404


def test_a_step_whose_condition_is_not_true_is_skipped_at_once_and_all_behind_it(
    client: APIClient, driver: ScriptedDriver
) -> None:
    deploy_steps(
        {
            "a": [Edge("$trigger")],
            "slow": [Edge("$trigger", wait=60.0)],
            "b": [Edge("a", condition="response == 'b'")],
            "c": [Edge("b")],
            "d": [Edge("c"), Edge("slow")],
        }
    )
    send()
    work()
    steps = steps_of(the_run(client))
    assert {name: step["status"] for name, step in steps.items()} == {
        "a": "Completed",
        "slow": "Sleeping",
        "b": "Skipped",
        "c": "Skipped",
        "d": "Pending",
    }
    assert steps["b"]["reason"] == "after a: `response == 'b'` is not true"
    assert steps["c"]["reason"] == "b was skipped"


def test_the_branch_that_a_wait_did_not_take_is_skipped_at_once(
    client: APIClient, driver: ScriptedDriver, clock: Clock
) -> None:
    deploy_steps(
        {
            "thank": [Edge("$trigger", listen=CONFIRMED)],
            "nag": [Edge("$trigger", listen=CONFIRMED, on_timeout=True)],
        }
    )
    send()
    work()
    assert step_statuses(client) == {"thank": "Pending", "nag": "Pending"}
    event = send("user/confirmed")
    consume()
    steps = steps_of(the_run(client))
    assert (steps["thank"]["status"], steps["thank"]["event_id"]) == ("Queued", event.internal_id)
    assert (steps["nag"]["status"], steps["nag"]["reason"]) == ("Skipped", "after $trigger: user/confirmed arrived")


def test_the_branch_that_is_taken_without_the_event_has_no_event(
    client: APIClient, driver: ScriptedDriver, clock: Clock
) -> None:
    deploy_steps(
        {
            "thank": [Edge("$trigger", listen=CONFIRMED)],
            "nag": [Edge("$trigger", listen=CONFIRMED, on_timeout=True)],
        }
    )
    send()
    work()
    clock.move(hours=2)
    work()
    steps = steps_of(the_run(client))
    assert (steps["nag"]["status"], steps["nag"]["event_id"]) == ("Completed", None)
    assert steps["thank"]["reason"] == "after $trigger: user/confirmed did not arrive in time"


def test_what_follows_a_failed_step_is_skipped(client: APIClient, driver: ScriptedDriver) -> None:
    driver.answer = lambda call: fail(for_good=True) if call.step_id == "a" else succeed()
    deploy_steps({"a": [Edge("$trigger")], "b": [Edge("$trigger")], "c": [Edge(steps=("b", "a"))]})
    send()
    work()
    steps = steps_of(the_run(client))
    assert (steps["c"]["status"], steps["c"]["reason"]) == ("Skipped", "a failed")
    assert steps["b"]["status"] == "Completed"


def test_a_cancelled_run_skips_what_it_had_not_reached(client: APIClient, driver: ScriptedDriver, clock: Clock) -> None:
    deploy_steps(
        {
            "a": [Edge("$trigger", wait=60.0)],
            "b": [Edge("a")],
            "c": [Edge("$trigger", listen=CONFIRMED)],
        },
        cancel=(CancelOn("test/stop"),),
    )
    send()
    work()
    send("test/stop")
    work()
    steps = steps_of(the_run(client))
    assert {name: (step["status"], step["reason"]) for name, step in steps.items()} == {
        "a": ("Cancelled", None),
        "b": ("Skipped", "a was cancelled"),
        "c": ("Skipped", "after $trigger: user/confirmed had not arrived when the run ended"),
    }


def test_a_step_that_cannot_be_tried_has_failed_with_its_error_and_no_attempt(
    client: APIClient, driver: ScriptedDriver
) -> None:
    deploy_steps({"a": [Edge("$trigger")], "b": [Edge("a", condition="event.data.who + 1 > 2")]})
    send(who="Ann")
    work()
    run = the_run(client)
    step = steps_of(run)["b"]
    assert (step["status"], step["attempts"], step["tries"], step["started_at"]) == ("Failed", 0, [], None)
    assert step["error"]["name"] == "ExpressionError"
    assert run["output"] == step["error"]
    assert run["status"] == "Failed"


@pytest.mark.parametrize("outcome", ["completed", "failed"])
def test_a_run_that_has_ended_has_nothing_pending(client: APIClient, driver: ScriptedDriver, outcome: str) -> None:
    driver.answer = lambda call: succeed() if outcome == "completed" else fail(for_good=True)
    deploy_steps({"a": [Edge("$trigger")], "b": [Edge("a", condition="false")], "c": [Edge("b")]})
    send()
    consume()
    assert step_statuses(client) == {"a": "Queued", "b": "Pending", "c": "Pending"}
    record([one._replace(outcome=driver.answer(None)) for one in lease(add_worker())])  # type: ignore[arg-type]
    assert step_statuses(client) == {"a": outcome.capitalize(), "b": "Skipped", "c": "Skipped"}
