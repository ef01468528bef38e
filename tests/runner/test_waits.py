"""Runs that wait for events: each wait ends once, with its event or without."""

import json
from typing import Any

import pytest

from apps.datastore.definition.types import Async, CancelOn, Edge
from apps.executor.drain import Drain
from apps.executor.recording import record
from apps.runner.consume_events import consume_events
from apps.runner.expire_waits import expire_waits
from apps.runner.probe_waits import probe_waits
from apps.state.models import History, Probe, Run, ScheduledItem, Step, Wait
from apps.state.scheduling import promote_due
from tests.clock import Clock
from tests.functions import ScriptedDriver, append, deploy_steps, left_over, statuses, succeed
from tests.runner.acting import call
from tests.state.items import QUEUE

pytestmark = pytest.mark.django_db

CONFIRMED = Async("user/confirmed", ttl=3_600, match="async.data.id == event.data.id")


def send(name: str = "test/event", **data: Any) -> int:
    return append(name, json.dumps({"name": name, "data": data}))[0]


def work() -> None:
    """Consume, probe, run and time out until nothing is left to do at this moment."""
    while True:
        done = consume_events()
        probe_waits()
        expire_waits()
        done += promote_due().total()
        Drain(QUEUE).run()
        if not done:
            return


def ran(driver: ScriptedDriver) -> set[str]:
    return {step for _, step in driver.calls}


@pytest.fixture
def onboarding(driver: ScriptedDriver) -> ScriptedDriver:
    deploy_steps(
        {
            "welcome": [Edge("$trigger")],
            "thank": [Edge("welcome", listen=CONFIRMED)],
            "nag": [Edge("welcome", listen=CONFIRMED, on_timeout=True)],
        }
    )
    return driver


def test_an_event_that_arrives_walks_the_one_branch(onboarding: ScriptedDriver, clock: Clock) -> None:
    send(id=7)
    work()
    assert statuses() == {"running": 1}
    send("user/confirmed", id=8)
    work()
    assert ran(onboarding) == {"welcome"}
    seq = send("user/confirmed", id=7)
    work()
    assert ran(onboarding) == {"welcome", "thank"}
    assert statuses() == {"completed": 1}
    wait = Wait.objects.get()
    assert (wait.status, wait.event_seq) == ("arrived", seq)
    clock.move(days=1)
    work()
    assert ran(onboarding) == {"welcome", "thank"}
    assert left_over() == {}


def test_a_time_out_walks_the_other_branch(onboarding: ScriptedDriver, clock: Clock) -> None:
    send(id=7)
    work()
    clock.move(minutes=61)
    work()
    assert ran(onboarding) == {"welcome", "nag"}
    assert statuses() == {"completed": 1}
    send("user/confirmed", id=7)
    work()
    assert ran(onboarding) == {"welcome", "nag"}
    assert Wait.objects.get().status == "timed out"
    assert not Probe.objects.exists()


def test_an_answer_that_is_faster_than_the_record_of_its_step_is_not_missed(onboarding: ScriptedDriver) -> None:
    send(id=7)
    consume_events()
    welcomed = call()
    send("user/confirmed", id=7)
    consume_events()
    record(welcomed)
    work()
    assert ran(onboarding) == {"thank"}


def test_a_wait_of_a_year_is_one_row(driver: ScriptedDriver, clock: Clock) -> None:
    deploy_steps({"now": [Edge("$trigger")], "later": [Edge("now", wait=366 * 86_400.0)]})
    send()
    work()
    assert ScheduledItem.objects.count() == 1
    clock.move(days=365)
    work()
    assert ran(driver) == {"now"}
    clock.move(days=1, seconds=1)
    work()
    assert ran(driver) == {"now", "later"}


def test_a_join_is_walked_when_all_have_completed(driver: ScriptedDriver) -> None:
    deploy_steps(
        {
            "a": [Edge("$trigger")],
            "b": [Edge("$trigger")],
            "c": [Edge("b")],
            "all": [Edge(steps=("a", "c"), condition="response.a == 'a' && steps.c == 'c'")],
        }
    )
    send()
    work()
    assert ran(driver) == {"a", "b", "c", "all"}
    assert statuses() == {"completed": 1}


def test_an_edge_whose_condition_is_false_is_not_walked(driver: ScriptedDriver) -> None:
    driver.answer = lambda call: succeed('{"status": 404}')
    deploy_steps({"a": [Edge("$trigger")], "b": [Edge("a", condition="response.status == 200")]})
    send()
    work()
    assert ran(driver) == {"a"}
    assert statuses() == {"completed": 1}
    assert History.objects.get(kind="step.not_reached").step_id == "b"


def test_a_condition_that_cannot_be_evaluated_fails_the_step_that_it_leads_to(driver: ScriptedDriver) -> None:
    deploy_steps({"a": [Edge("$trigger")], "b": [Edge("a", condition="event.data.who + 1 > 2")], "c": [Edge("a")]})
    send(who="Ann")
    work()
    assert ran(driver) == {"a", "c"}
    assert statuses() == {"failed": 1}
    assert "the edge from a cannot be walked" in (Step.objects.get(step_id="b").error or "")


def test_a_cancelling_event_ends_the_runs_that_it_is_for(driver: ScriptedDriver, clock: Clock) -> None:
    deploy_steps(
        {"a": [Edge("$trigger", wait=60.0)]}, cancel=(CancelOn("test/stop", "async.data.id == event.data.id"),)
    )
    for number in range(3):
        send(id=number)
    work()
    send("test/stop", id=1)
    work()
    assert statuses() == {"running": 2, "cancelled": 1}
    clock.move(minutes=2)
    work()
    assert statuses() == {"completed": 2, "cancelled": 1}
    assert Wait.objects.filter(status="open").count() == 0
    assert left_over() == {}


def test_an_earlier_edge_brings_a_waiting_step_forward(driver: ScriptedDriver, clock: Clock) -> None:
    deploy_steps({"a": [Edge("$trigger")], "b": [Edge("$trigger", wait=3600.0), Edge("a")]})
    send()
    work()
    assert ran(driver) == {"a", "b"}
    assert statuses() == {"completed": 1}
    assert Run.objects.get().status == "completed"
    assert left_over() == {}


def test_a_join_of_many_steps_with_long_names_waits_too(driver: ScriptedDriver) -> None:
    names = [letter * 100 for letter in "abc"]
    deploy_steps({**{name: [Edge("$trigger")] for name in names}, "all": [Edge(steps=tuple(names), listen=CONFIRMED)]})
    send(id=7)
    work()
    send("user/confirmed", id=7)
    work()
    assert ran(driver) == {*names, "all"}
    assert statuses() == {"completed": 1}


@pytest.mark.parametrize("after", ["$trigger", "a"])
def test_a_fault_that_quotes_what_no_row_can_hold_fails_the_step_that_it_concerns(
    driver: ScriptedDriver, after: str
) -> None:
    deploy_steps({"a": [Edge("$trigger")], "b": [Edge(after, condition="'x'.matches(event.data.pattern)")]})
    send(pattern="(\0")
    work()
    assert dict(Step.objects.values_list("step_id", "status")) == {"a": "completed", "b": "failed"}


def test_a_step_to_which_two_faulty_edges_lead_fails_once(driver: ScriptedDriver) -> None:
    deploy_steps({"a": [Edge("$trigger", wait="event.data.at"), Edge("$trigger", condition="event.data.at + 1 > 2")]})
    send(at=True)
    work()
    assert statuses() == {"failed": 1}
    assert History.objects.filter(kind="step.failed").count() == 1


def test_a_match_sees_the_outputs_of_steps_that_have_completed_since(driver: ScriptedDriver, clock: Clock) -> None:
    match = "async.data.id == steps.later"
    deploy_steps(
        {
            "first": [Edge("$trigger")],
            "later": [Edge("$trigger", wait=60.0)],
            "then": [Edge("first", listen=Async("user/confirmed", 3_600, match))],
        }
    )
    send()
    work()
    clock.move(seconds=60)
    work()
    assert ran(driver) == {"first", "later"}
    send("user/confirmed", id="later")
    work()
    assert ran(driver) == {"first", "later", "then"}
