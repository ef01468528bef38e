"""`phase`: what a run that goes on is doing at this moment."""

import pytest
from rest_framework.test import APIClient

from apps.datastore.definition.types import Async, CancelOn, Edge
from apps.executor.recording import record
from tests.clock import Clock
from tests.core_api.living import consume, read, send, the_run, work
from tests.core_api.rows import StoredRun
from tests.executor.finishing import lease
from tests.functions import ScriptedDriver, deploy_steps, fail, succeed
from tests.state.items import add_worker

CONFIRMED = Async("user/confirmed", ttl=3_600)


def shown(client: APIClient) -> tuple[str, str | None]:
    run = the_run(client)
    (listed,) = read(client, "/v1/runs")
    assert (listed["status"], listed["phase"]) == (run["status"], run["phase"])
    return run["status"], run["phase"]


def test_a_run_is_queued_until_a_worker_has_one_of_its_steps(client: APIClient, driver: ScriptedDriver) -> None:
    deploy_steps({"a": [Edge("$trigger")], "b": [Edge("$trigger")]})
    send()
    consume()
    assert shown(client) == ("Queued", "Queued")
    lease(add_worker(), most=1)
    assert shown(client) == ("Running", "Running")


def test_a_run_between_two_steps_is_running_and_queued(client: APIClient, driver: ScriptedDriver) -> None:
    deploy_steps({"a": [Edge("$trigger")], "b": [Edge("a")]})
    send()
    consume()
    record(lease(add_worker()))
    assert shown(client) == ("Running", "Queued")


@pytest.mark.parametrize("state", ["completed_run", "failed_run", "cancelled_run"])
def test_a_run_that_has_ended_has_no_phase(client: APIClient, request: pytest.FixtureRequest, state: str) -> None:
    run: StoredRun = request.getfixturevalue(state)
    assert read(client, f"/v1/runs/{run.id}")["phase"] is None


def test_a_run_sleeps_until_its_step_is_due(client: APIClient, driver: ScriptedDriver, clock: Clock) -> None:
    deploy_steps({"a": [Edge("$trigger", wait=3_600.0)]})
    send()
    work()
    assert shown(client) == ("Running", "Sleeping")
    assert the_run(client)["run_started_at"] is None
    clock.move(hours=1)
    consume()
    assert shown(client) == ("Running", "Queued")
    work()
    assert shown(client) == ("Completed", None)


def test_a_run_sleeps_until_the_next_try(client: APIClient, driver: ScriptedDriver, clock: Clock) -> None:
    driver.answer = lambda call: succeed() if call.attempt else fail(retry_after=600)
    deploy_steps({"a": [Edge("$trigger")]}, attempts=2)
    send()
    work()
    assert shown(client) == ("Running", "Sleeping")
    clock.move(minutes=11)
    work()
    assert shown(client) == ("Completed", None)


def test_a_run_waits_for_an_event_also_while_a_step_sleeps(
    client: APIClient, driver: ScriptedDriver, clock: Clock
) -> None:
    deploy_steps(
        {
            "thank": [Edge("$trigger", listen=CONFIRMED)],
            "later": [Edge("$trigger", wait=7_200.0)],
        }
    )
    send()
    work()
    assert shown(client) == ("Running", "Waiting")
    send("user/confirmed")
    consume()
    assert shown(client) == ("Running", "Queued")
    work()
    assert shown(client) == ("Running", "Sleeping")


def test_a_run_that_only_listens_for_its_cancellation_is_not_waiting(
    client: APIClient, driver: ScriptedDriver, clock: Clock
) -> None:
    deploy_steps({"a": [Edge("$trigger", wait=60.0)]}, cancel=(CancelOn("test/stop"),))
    send()
    work()
    assert shown(client) == ("Running", "Sleeping")


def test_a_run_that_began_with_a_wait_has_started_with_its_first_step(
    client: APIClient, driver: ScriptedDriver, clock: Clock
) -> None:
    deploy_steps({"a": [Edge("$trigger", wait=60.0)], "b": [Edge("a", wait=60.0)]})
    send()
    work()
    clock.move(minutes=2)
    began = clock.now()
    work()
    run = the_run(client)
    assert run["phase"] == "Sleeping"
    assert run["run_started_at"] == run["steps"][0]["started_at"] >= began.isoformat()[:19]
