"""What waits cost: as many statements for a hundred waits, runs or events as for one."""

import pytest

from apps.datastore.definition.types import Async, CancelOn, Edge, EventTrigger, Throttle
from apps.executor.recording import record
from apps.runner.consume_events import consume_events
from apps.runner.expire_waits import expire_waits
from apps.runner.probe_waits import probe_waits
from apps.state.models import Run
from tests.clock import Clock
from tests.functions import Rings, deploy_steps, statuses
from tests.runner.acting import ANSWER, TTL, branches, call, planned, send, wait_statuses, waiting, work
from tests.state.counting import statements

pytestmark = pytest.mark.django_db

MANY = 48


def cost(count: int) -> int:
    """Statements of the consumption of so many answers, for a run each."""
    with statements() as seen:
        assert consume_events() == count
    return len(seen)


@pytest.fixture
def warm() -> None:
    """The functions are live and read."""
    deploy_steps({"ask": [Edge("$trigger")], **branches("ask")}, cancel=(CancelOn("stop"),))
    send(id=-1)
    work()
    send("answer", id=-1)
    work()


@pytest.mark.usefixtures("warm")
def test_events_that_end_waits_cost_the_same_however_many_they_are() -> None:
    costs = []
    for count in (1, 10, MANY):
        waiting(count)
        record(call())
        probe_waits()
        for number in range(count):
            send("answer", id=number)
        # The values of runs are read sixteen runs at a time.
        costs.append(cost(count) - -(-count // 16))
        work()
    assert len(set(costs)) == 1, costs
    assert planned("yes") == 1 + 1 + 10 + MANY


def test_an_event_that_ends_many_waits_costs_what_one_that_ends_one_does() -> None:
    deploy_steps(branches(listen=Async("answer", TTL)))
    costs = []
    for count in (1, 10, 200):
        waiting(count)
        send("answer")
        costs.append(cost(1))
    assert len(set(costs)) == 1, costs
    assert wait_statuses() == {"arrived": 211}


@pytest.mark.usefixtures("warm")
def test_an_event_that_nobody_waits_for_costs_nothing_for_those_who_wait() -> None:
    send("something/else")
    alone = cost(1)
    waiting(MANY)
    record(call())
    probe_waits()
    send("something/else")
    assert cost(1) == alone
    send("answer", id=999)
    with statements() as seen:
        consume_events()
    # Its payload, and a look for waits of its value.
    assert len(seen) == alone + 2, seen
    assert not any("FOR UPDATE" in statement and "state_run" in statement for statement in seen)


@pytest.mark.usefixtures("warm")
def test_a_cancelling_event_costs_the_same_however_many_runs_it_ends() -> None:
    costs = []
    for count in (1, MANY):
        waiting(count)
        send("stop")
        costs.append(cost(1))
    assert len(set(costs)) == 1, costs
    assert statuses()["cancelled"] == 1 + MANY


@pytest.mark.usefixtures("warm")
def test_starts_that_wait_cost_the_same_however_many_they_are() -> None:
    deploy_steps(branches(), slug="waits", event="begin")
    send("begin", id=-1)
    consume_events()
    costs = []
    for count in (1, 10, MANY):
        for number in range(count):
            send("begin", id=number)
        costs.append(cost(count))
    assert len(set(costs)) == 1, costs


def test_guards_cost_two_statements_however_many_events_they_rule_on() -> None:
    steps = {"a": [Edge("$trigger")]}
    deploy_steps(steps, slug="plain", event="plain")
    guards = {"throttle": Throttle(10, 60.0, "event.data.id"), "triggers": (EventTrigger("guarded"),)}
    deploy_steps(steps, slug="guarded", **guards)
    for name in ("plain", "guarded"):
        send(name, id=-1)
        consume_events()
    found = {}
    for name in ("plain", "guarded"):
        for count in (1, MANY):
            for number in range(count):
                send(name, id=number)
            found[name, count] = cost(count)
    assert found["plain", 1] == found["plain", MANY]
    # And the payloads, of which the keys are made.
    assert found["guarded", 1] == found["guarded", MANY] == found["plain", 1] + 3


@pytest.mark.usefixtures("warm")
def test_looking_back_costs_the_same_however_many_waits_and_events_there_are() -> None:
    costs = []
    for count in (1, 10, MANY):
        for number in range(count):
            send(id=number)
        consume_events()
        asked = call()
        for number in range(count):
            send("answer", id=number)
        consume_events()
        record(asked)
        with statements() as seen:
            probe_waits()
        costs.append(len(seen) - -(-count // 16))
        work()
    assert len(set(costs)) == 1, costs
    assert planned("yes") == 1 + 1 + 10 + MANY


@pytest.mark.usefixtures("warm")
def test_time_outs_cost_the_same_however_many_waits_there_are(clock: Clock) -> None:
    costs = []
    for count in (1, 10, MANY):
        waiting(count)
        record(call())
        probe_waits()
        clock.move(seconds=TTL + 1)
        with statements() as seen:
            expire_waits()
        costs.append(len(seen))
    assert len(set(costs)) == 1, costs
    assert planned("no") == 1 + 10 + MANY


@pytest.mark.usefixtures("warm")
def test_records_that_open_waits_cost_the_same_however_many_they_are() -> None:
    costs = []
    for count in (1, 10, MANY):
        waiting(count)
        asked = call()
        assert len(asked) == count
        with statements() as seen:
            record(asked)
        # Two statements read the values of sixteen runs.
        costs.append(len(seen) - 2 * -(-count // 16))
    assert len(set(costs)) == 1, costs


def test_chores_that_find_nothing_cost_a_few_statements(rings: Rings) -> None:
    for chore, most in ((probe_waits, 2), (expire_waits, 6)):
        with statements() as seen:
            chore()
        assert len(seen) <= most, seen
    assert not rings.take()
    assert not Run.objects.exists()


def test_a_run_that_waits_for_nothing_costs_no_statement_for_waits() -> None:
    deploy_steps({"a": [Edge("$trigger")], "b": [Edge("a")]})
    deploy_steps({"c": [Edge("$trigger", listen=ANSWER)]}, slug="other", event="other")
    send()
    consume_events()
    with statements() as seen:
        record(call())
    assert not any("state_probe" in statement or "INTO state_wait" in statement for statement in seen), seen
