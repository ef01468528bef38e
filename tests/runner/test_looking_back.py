"""A wait that was opened looks back at the events since it began to listen: none is missed, none too many counts."""

import threading
from typing import Any

import pytest
from django.db import connection, transaction

from apps.datastore.definition.types import TRIGGER, Async, Edge
from apps.event_stream.consuming import park, take_these, unpark
from apps.executor.recording import record
from apps.runner import probe_waits as probing
from apps.runner.consume_events import consume_events
from apps.runner.expire_waits import expire_waits
from apps.runner.handle_event import handle_events
from apps.runner.probe_waits import probe_waits
from apps.state.models import Probe, Wait
from apps.state.wakes import Wakes
from apps.state.workers import reclaim_lost
from tests.clock import Clock
from tests.functions import append, deploy_steps
from tests.runner.acting import ANSWER, TTL, branches, call, ran, send, wait_statuses, work
from tests.state.items import LEASE_SECONDS, execute

pytestmark = pytest.mark.django_db

ASKING = {"ask": [Edge(TRIGGER)], **branches("ask", Async("answer", TTL))}


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The transactions that run probes, each with how many events it looks at most; there must be an end of them."""
    seen: list[int] = []
    probe = probing._probe

    def look(take: Any, events_most: int) -> int:
        seen.append(events_most)
        assert len(seen) < 100, "it goes round for ever"
        return probe(take, events_most)

    monkeypatch.setattr(probing, "_probe", look)
    return seen


def test_what_came_between_the_claim_of_a_step_and_its_record_is_met() -> None:
    deploy_steps(ASKING)
    send()
    consume_events()
    send("answer")
    consume_events()
    asked = call()
    answer = send("answer")
    consume_events()
    send("answer")
    consume_events()
    record(asked)
    probe_waits()
    assert Wait.objects.get().event_seq == answer


def test_a_step_that_is_tried_again_listens_from_its_first_claim_on() -> None:
    deploy_steps(ASKING)
    send()
    consume_events()
    call()
    answer = send("answer")
    consume_events()
    execute("UPDATE state_worker SET heartbeat_at = 'epoch'")
    reclaim_lost(LEASE_SECONDS, 5)
    record(call())
    probe_waits()
    assert Wait.objects.get().event_seq == answer


def test_an_event_that_is_still_in_the_inbox_is_left_to_its_consumer() -> None:
    deploy_steps(ASKING)
    send()
    consume_events()
    asked = call()
    send("answer")
    record(asked)
    probe_waits()
    assert not Probe.objects.exists()
    assert wait_statuses() == {"open": 1}
    consume_events()
    assert wait_statuses() == {"arrived": 1}


def test_probes_of_several_names_and_keys_meet_their_own_events(looks: list[int]) -> None:
    deploy_steps(
        {
            "ask": [Edge(TRIGGER)],
            **{
                f"{name}-{field}": [Edge("ask", listen=Async(name, TTL, f"async.data.{field} == event.data.id"))]
                for name in ("one", "two")
                for field in ("a", "b")
            },
        }
    )
    for number in range(3):
        send(id=number)
    consume_events()
    asked = call()
    send("one", a=1, b=2)
    send("two", b=0)
    consume_events()
    record(asked)
    probe_waits()
    work()
    assert ran() == {"ask": 3, "one-a": 1, "one-b": 1, "two-b": 1}


def test_more_events_than_one_transaction_looks_at_are_all_looked_at(
    monkeypatch: pytest.MonkeyPatch, looks: list[int]
) -> None:
    monkeypatch.setattr(probing, "EVENTS_MOST", 2)
    deploy_steps({"ask": [Edge(TRIGGER)], **branches("ask", Async("answer", TTL, "async.data.n == 5"))})
    send()
    consume_events()
    asked = call()
    for number in range(7):
        send("answer", n=number)
    consume_events()
    record(asked)
    probe_waits()
    assert not Probe.objects.exists()
    assert wait_statuses() == {"arrived": 1}


def test_events_of_many_names_that_are_large_together_are_all_looked_at(
    monkeypatch: pytest.MonkeyPatch, looks: list[int]
) -> None:
    """33 names with an event of 512 KiB each would do."""
    monkeypatch.setattr("apps.runner.event_values.BATCH_BYTES", 300)
    names = [f"answer-{number}" for number in range(5)]
    deploy_steps({"ask": [Edge(TRIGGER)], **{name: [Edge("ask", listen=Async(name, TTL))] for name in names}})
    send()
    consume_events()
    asked = call()
    for name in names:
        send(name, text="x" * 200)
    consume_events()
    record(asked)
    probe_waits()
    assert wait_statuses() == {"arrived": 5}


def test_an_event_is_not_missed_when_many_parked_ones_are_put_back_behind_it(
    monkeypatch: pytest.MonkeyPatch, settings: object
) -> None:
    """With CONSUME_BATCH=10 the look back reaches 500 events deep into the inbox, and 1,000 are put back at once."""
    monkeypatch.setattr(probing, "CONSUMERS_LEAST", 2)
    settings.CONSUME_BATCH = 2  # type: ignore[attr-defined]
    deploy_steps(ASKING)
    for seq in append("something/else", count=6):
        park(seq, "it could not be consumed")
    send()
    consume_events()
    asked = call()
    send("answer")
    consume_events()
    unpark()
    record(asked)
    probe_waits()
    work()
    assert wait_statuses() == {"arrived": 1}


@pytest.mark.django_db(transaction=True)
def test_an_event_whose_append_is_under_way_at_expiry_is_not_too_late(clock: Clock) -> None:
    """It is received when its transaction begins, and seen by others when that is committed."""
    deploy_steps(branches(listen=Async("answer", TTL)))
    send()
    work()
    sent, go_on = threading.Event(), threading.Event()

    def receive() -> None:
        with transaction.atomic():
            send("answer")
            sent.set()
            go_on.wait(10)
        connection.close()

    receiving = threading.Thread(target=receive)
    receiving.start()
    assert sent.wait(10)
    clock.move(seconds=TTL + 0.001)
    expire_waits()
    go_on.set()
    receiving.join()
    work()
    assert wait_statuses() == {"arrived": 1}


@pytest.mark.django_db(transaction=True)
def test_an_event_whose_consumer_has_looked_already_and_not_committed_is_met() -> None:
    """Its consumer saw no wait, and its entry is still in the inbox: nobody else would look at it again."""
    deploy_steps(ASKING)
    send()
    consume_events()
    asked = call()
    answer = send("answer")
    looked, go_on = threading.Event(), threading.Event()

    def consume_slowly() -> None:
        with transaction.atomic():
            events, now = take_these([answer])
            assert now is not None
            handle_events(events, now, Wakes())
            looked.set()
            go_on.wait(10)
        connection.close()

    consuming = threading.Thread(target=consume_slowly)
    consuming.start()
    assert looked.wait(10)
    record(asked)
    probe_waits()
    go_on.set()
    consuming.join()
    assert wait_statuses() == {"arrived": 1}


def test_an_event_that_is_parked_is_left_to_whoever_puts_it_back() -> None:
    deploy_steps(ASKING)
    send()
    consume_events()
    asked = call()
    park(send("answer"), "it could not be consumed")
    record(asked)
    probe_waits()
    assert wait_statuses() == {"open": 1}
    assert not Probe.objects.exists()
    unpark()
    consume_events()
    assert wait_statuses() == {"arrived": 1}


def test_a_wait_whose_run_has_ended_looks_at_nothing(looks: list[int]) -> None:
    deploy_steps({"a": [Edge(TRIGGER, listen=ANSWER)]})
    send(id=1)
    consume_events()
    Wait.objects.update(status="cancelled", ended_at="2026-01-01T00:00:00Z")
    probe_waits()
    assert not Probe.objects.exists()
