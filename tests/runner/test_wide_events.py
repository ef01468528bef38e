"""Events for which more waits listen than one transaction resumes: they go on in further ones until each has met it."""

from typing import Any

import pytest

from apps.datastore.definition.types import Async, CancelOn, Edge
from apps.runner import expire_waits as expiring
from apps.runner import resume_wide_events as resuming
from apps.runner.consume_events import consume_events
from apps.runner.expire_waits import expire_waits
from apps.runner.probe_waits import probe_waits
from apps.runner.resume_wide_events import resume_wide_events
from apps.state.models import Probe, Wait, WideEvent
from tests.clock import Clock
from tests.functions import Rings, deploy_steps, left_over, statuses
from tests.runner.acting import TTL, branches, consume_these, planned, send, told, wait_statuses, waiting, work
from tests.state.racing import race

pytestmark = pytest.mark.django_db

MOST = 3


@pytest.fixture(autouse=True)
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    """One transaction resumes no more than three."""
    monkeypatch.setattr("apps.runner.handle_event.RESUMES_MOST", MOST)
    monkeypatch.setattr("apps.runner.resume_wide_events.RESUMES_MOST", MOST)


def go_on() -> bool:
    """One transaction of those in which a wide event goes on; False if there is none."""
    return resuming._resume_some(MOST)


ANY = Async("answer", TTL)


def test_each_wait_meets_the_event_a_few_in_each_transaction(rings: Rings) -> None:
    deploy_steps(branches(listen=ANY))
    waiting(10)
    rings.take()
    send("answer")
    assert consume_events() == 1
    assert wait_statuses() == {"arrived": MOST, "open": 7}
    assert rings.take()["runner.resume_wide_events", "events"] == 1
    resume_wide_events()
    assert wait_statuses() == {"arrived": 10}
    assert planned("yes") == told("wait.arrived") == 10
    assert not WideEvent.objects.exists()
    work()
    assert statuses() == {"completed": 10}


@pytest.mark.parametrize("runs", [MOST - 1, MOST, MOST + 1, 2 * MOST, 2 * MOST + 1])
def test_none_is_left_out_at_the_edges_of_a_transaction(runs: int) -> None:
    deploy_steps(branches(listen=ANY))
    waiting(runs)
    send("answer")
    consume_events()
    assert WideEvent.objects.exists() == (runs > MOST)
    resume_wide_events()
    assert wait_statuses() == {"arrived": runs}
    assert not WideEvent.objects.exists()


def test_waits_that_want_different_values_meet_it_too() -> None:
    """One lookup for each set of paths."""
    deploy_steps(
        {
            "any": [Edge("$trigger", listen=ANY)],
            "own": [Edge("$trigger", listen=Async("answer", TTL, "async.data.id == event.data.group"))],
            "both": [
                Edge("$trigger", listen=Async("answer", TTL, "async.data.id == event.data.group && async.data.n == 1"))
            ],
            "other": [Edge("$trigger", listen=Async("answer", TTL, "async.data.id == event.data.id + 100"))],
        }
    )
    waiting(5, group=7)
    send("answer", id=7, n=1)
    consume_events()
    resume_wide_events()
    assert [planned(step) for step in ("any", "own", "both", "other")] == [5, 5, 5, 0]


def test_time_outs_are_held_back_until_the_event_has_met_every_wait(clock: Clock) -> None:
    deploy_steps(branches(listen=ANY))
    waiting(3 * MOST)
    send("answer")
    consume_events()
    clock.move(seconds=TTL + 1)
    expire_waits()
    assert wait_statuses() == {"arrived": MOST, "open": 2 * MOST}
    assert go_on()
    expire_waits()
    assert wait_statuses() == {"arrived": 2 * MOST, "open": MOST}
    assert go_on()
    assert wait_statuses() == {"arrived": 3 * MOST}
    assert not go_on()


@pytest.mark.parametrize("name", ["consumed_until", "wide_events", "find_expired"])
def test_a_wide_event_that_is_consumed_while_time_outs_are_looked_for_holds_them_back(
    clock: Clock, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    deploy_steps(branches(listen=ANY))
    waiting(2 * MOST)
    send("answer")
    clock.move(seconds=TTL + 1)
    look = getattr(expiring, name)

    def look_and_consume(*arguments: Any) -> Any:
        found = look(*arguments)
        consume_events()
        return found

    monkeypatch.setattr(expiring, name, look_and_consume)
    expire_waits()
    resume_wide_events()
    assert wait_statuses() == {"arrived": 2 * MOST}


def test_what_expired_before_the_event_times_out_meanwhile(clock: Clock) -> None:
    deploy_steps(branches(listen=ANY))
    deploy_steps(branches(listen=Async("never", 1.0)), slug="short", event="short")
    waiting(2 * MOST)
    send("short")
    consume_events()
    probe_waits()
    clock.move(seconds=2)
    send("answer")
    consume_events()
    expire_waits()
    assert wait_statuses() == {"arrived": MOST, "open": MOST, "timed out": 1}


def test_a_wait_that_is_opened_meanwhile_is_for_later_events() -> None:
    deploy_steps(branches(listen=ANY))
    waiting(2 * MOST)
    wide = send("answer")
    consume_events()
    send()
    consume_events()
    while go_on():
        pass
    probe_waits()
    assert wait_statuses() == {"arrived": 2 * MOST, "open": 1}
    assert set(Wait.objects.filter(status="arrived").values_list("event_seq", flat=True)) == {wide}
    later = send("answer")
    work()
    assert Wait.objects.order_by("-id")[0].event_seq == later


def test_a_wait_whose_run_began_before_and_that_is_opened_meanwhile_meets_it() -> None:
    deploy_steps(branches(listen=ANY))
    slow, *starts = [send() for _ in range(2 * MOST + 1)]
    wide = send("answer")
    consume_these(*starts)
    consume_these(wide)
    assert wait_statuses()["arrived"] == MOST
    consume_these(slow)
    while go_on():
        pass
    probe_waits()
    assert wait_statuses() == {"arrived": 2 * MOST + 1}
    assert set(Wait.objects.values_list("event_seq", flat=True)) == {wide}


def test_a_wide_event_cancels_every_run_that_it_is_for() -> None:
    deploy_steps({"a": [Edge("$trigger", wait=60.0)]}, cancel=(CancelOn("stop"),))
    waiting(10)
    send("stop")
    consume_events()
    assert statuses() == {"cancelled": MOST, "running": 7}
    resume_wide_events()
    assert statuses() == {"cancelled": 10}
    assert left_over() == {}


def test_an_event_that_few_of_many_waits_match_leaves_the_others_open() -> None:
    deploy_steps(branches(listen=Async("answer", TTL, "async.data.id != event.data.id")))
    waiting(10)
    send("answer", id=4)
    consume_events()
    resume_wide_events()
    assert wait_statuses() == {"arrived": 9, "open": 1}


@pytest.mark.django_db(transaction=True)
def test_several_that_go_on_with_it_at_once_resume_each_wait_once() -> None:
    rounds, runs = 25, 10
    deploy_steps(branches(listen=ANY))
    for _ in range(rounds):
        waiting(runs)
        send("answer")
        consume_events()
        race(1, *[lambda _: resume_wide_events()] * 3, spread=0.002)
    assert wait_statuses() == {"arrived": rounds * runs}
    assert planned("yes") == told("wait.arrived") == rounds * runs
    assert not WideEvent.objects.exists()
    assert not Probe.objects.exists()
