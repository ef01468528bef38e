"""Events that cancel runs: those that they are for, from the run's own event on, however the two are consumed."""

import pytest

from apps.datastore.definition.types import CancelOn, Edge
from apps.executor.recording import record
from apps.runner.consume_events import consume_events
from apps.runner.probe_waits import probe_waits
from apps.state.models import Probe, Run, ScheduledItem, Step, Wait
from tests.clock import Clock
from tests.functions import deploy_function, deploy_steps, dev_environment, left_over, statuses
from tests.runner.acting import call, consume_these, send, told, wait_statuses, work
from tests.state.items import execute
from tests.state.racing import race

pytestmark = pytest.mark.django_db

OWN = CancelOn("test/stop", "async.data.id == event.data.id")
LATER = {"a": [Edge("$trigger", wait=3_600.0)]}


def runs() -> dict[int, str]:
    return dict(Run.objects.values_list("event_seq", "status"))


def test_without_a_condition_every_run_of_the_function_is_cancelled_and_no_other() -> None:
    deploy_steps(LATER, cancel=(CancelOn("test/stop"),))
    deploy_steps(LATER, slug="other")
    send()
    send()
    work()
    send("test/stop")
    work()
    assert statuses() == {"cancelled": 2, "running": 2}
    assert told("run.cancelled") == 2
    assert ScheduledItem.objects.count() == 2


def test_the_event_that_starts_a_run_never_cancels_it_but_those_before_it() -> None:
    deploy_steps(LATER, cancel=(CancelOn("test/event"),))
    first = send()
    work()
    second, third = send(), send()
    work()
    assert runs() == {first: "cancelled", second: "cancelled", third: "running"}


def test_an_event_that_was_received_before_the_runs_own_does_not_cancel_it() -> None:
    deploy_steps(LATER, cancel=(OWN,))
    stop, start = send("test/stop", id=1), send(id=1)
    consume_these(start)
    consume_these(stop)
    work()
    assert runs() == {start: "running"}


def test_a_cancelling_event_that_is_consumed_before_the_start_it_is_meant_for_cancels_it() -> None:
    deploy_steps(LATER, cancel=(OWN,))
    start, stop = send(id=1), send("test/stop", id=1)
    consume_these(stop)
    consume_these(start)
    probe_waits()
    assert runs() == {start: "cancelled"}
    assert left_over() == {}
    assert not Probe.objects.exists()


def test_a_start_and_its_cancelling_event_in_one_batch_leave_nothing_behind() -> None:
    deploy_steps(LATER, cancel=(OWN,))
    start, _ = send(id=1), send("test/stop", id=1)
    consume_events()
    assert runs() == {start: "cancelled"}
    work()
    assert left_over() == {}
    assert not Step.objects.filter(status="open").exists()


@pytest.mark.parametrize(("after", "status"), [(0, "cancelled"), (1, "running")], ids=["at the end", "after it"])
def test_a_timeout_ends_the_time_in_which_an_event_cancels(clock: Clock, after: int, status: str) -> None:
    deploy_steps(LATER, cancel=(CancelOn("test/stop", timeout=60.0),))
    send()
    work()
    clock.move(seconds=60 + after * 1e-6)
    send("test/stop")
    clock.move(seconds=60)
    work()
    assert statuses() == {status: 1}
    assert wait_statuses("cancel") == {"arrived" if status == "cancelled" else "timed out": 1}


def test_the_end_of_that_time_is_no_end_of_anything_else(clock: Clock) -> None:
    deploy_steps(LATER, cancel=(CancelOn("test/stop", timeout=60.0),))
    send()
    work()
    clock.move(seconds=61)
    work()
    assert statuses() == {"running": 1}
    assert told("wait.timed_out") == 0
    clock.move(hours=1)
    work()
    assert statuses() == {"completed": 1}


def test_a_condition_that_is_null_or_cannot_be_evaluated_does_not_cancel() -> None:
    deploy_steps(LATER, cancel=(CancelOn("test/stop", "async.data.n + 1 > event.data.id"),))
    send(id=1)
    work()
    send("test/stop")
    send("test/stop", n="text")
    work()
    assert statuses() == {"running": 1}
    send("test/stop", n=1)
    work()
    assert statuses() == {"cancelled": 1}


def test_one_event_that_meets_several_of_the_entries_cancels_once() -> None:
    deploy_steps(LATER, cancel=(CancelOn("test/stop"), OWN, CancelOn("test/halt")))
    send(id=1)
    work()
    send("test/stop", id=1)
    send("test/halt")
    work()
    assert statuses() == {"cancelled": 1}
    assert told("run.cancelled") == 1
    assert Wait.objects.filter(status="open").count() == 0


def test_events_of_another_environment_cancel_nothing_here() -> None:
    deploy_steps(LATER, cancel=(CancelOn("test/stop"),))
    send()
    work()
    seq = send("test/stop")
    execute("UPDATE event_stream_event SET environment_id = %s WHERE seq = %s", (dev_environment().pk + 1, seq))
    work()
    assert statuses() == {"running": 1}


def test_a_run_that_has_ended_listens_for_nothing() -> None:
    deploy_steps({"a": [Edge("$trigger")]}, cancel=(CancelOn("test/stop"),))
    send()
    work()
    send("test/stop")
    work()
    assert statuses() == {"completed": 1}
    assert wait_statuses("cancel") == {"cancelled": 1}
    assert told("run.cancelled") == 0


def test_what_a_step_gives_after_its_run_was_cancelled_is_dropped() -> None:
    deploy_steps({"a": [Edge("$trigger")], "b": [Edge("a")]}, cancel=(CancelOn("test/stop"),))
    send()
    consume_events()
    finished = call()
    send("test/stop")
    consume_events()
    record(finished)
    work()
    assert statuses() == {"cancelled": 1}
    assert told("step.dropped") == 1
    assert left_over() == {}


@pytest.mark.django_db(transaction=True)
def test_a_start_and_its_cancelling_event_that_are_consumed_at_once_leave_nothing_behind() -> None:
    rounds = 150
    deploy_function(slug="warm", event="test/warm")
    deploy_steps(LATER, cancel=(OWN,))
    pairs = [(send(id=number), send("test/stop", id=number)) for number in range(rounds)]
    race(
        rounds,
        lambda number: consume_these(pairs[number][0]),
        lambda number: consume_these(pairs[number][1]),
        spread=0.004,
    )
    probe_waits()
    assert statuses() == {"cancelled": rounds}
    assert told("run.cancelled") == rounds
    assert left_over() == {}
