"""Ringing neither raises nor waits, whatever the broker does, and a ring says no less than the last change."""

import threading
import time
from collections.abc import Iterator

import pytest
from celery import Celery
from django.conf import settings
from kombu import Connection

from apps.doorbell import ringing
from apps.doorbell.ringing import Doorbell, Ring

PATIENCE = 10.0
DRAIN = Ring("executor.drain", ("steps",), "steps")


class Broker:
    """Stands where the broker is: takes rings, refuses them, or keeps the bell waiting."""

    def __init__(self) -> None:
        self.taken: list[Ring] = []
        self.tried = threading.Semaphore(0)
        self.up = True
        self.answers = threading.Event()
        self.answers.set()

    def publish(self, ring: Ring) -> None:
        self.tried.release()
        assert self.answers.wait(PATIENCE)
        if not self.up:
            raise ConnectionError("the broker is away")
        self.taken.append(ring)


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> Broker:
    stand_in = Broker()
    monkeypatch.setattr(ringing, "_publish", stand_in.publish)
    return stand_in


@pytest.fixture
def bell(broker: Broker) -> Iterator[Doorbell]:
    bell = Doorbell()
    yield bell
    broker.answers.set()
    assert bell.wait_until_sent(PATIENCE)


def test_a_ring_is_published_in_the_background(bell: Doorbell, broker: Broker) -> None:
    bell.ring(DRAIN)
    assert bell.wait_until_sent(PATIENCE)
    assert broker.taken == [DRAIN]


def test_a_ring_for_several_workers_is_published_so_many_times(bell: Doorbell, broker: Broker) -> None:
    bell.ring(DRAIN, times=4)
    assert bell.wait_until_sent(PATIENCE)
    assert broker.taken == [DRAIN] * 4


def test_rings_that_are_still_waiting_are_one(bell: Doorbell, broker: Broker) -> None:
    broker.answers.clear()
    bell.ring(Ring("first"))
    assert broker.tried.acquire(timeout=PATIENCE)
    for _ in range(100):
        bell.ring(DRAIN)
    broker.answers.set()
    assert bell.wait_until_sent(PATIENCE)
    assert broker.taken == [Ring("first"), DRAIN]


def test_a_ring_that_comes_while_the_same_one_is_published_is_published_too(bell: Doorbell, broker: Broker) -> None:
    """The one on its way may be answered before what this one tells of is there."""
    broker.answers.clear()
    bell.ring(DRAIN)
    assert broker.tried.acquire(timeout=PATIENCE)
    bell.ring(DRAIN)
    broker.answers.set()
    assert bell.wait_until_sent(PATIENCE)
    assert broker.taken == [DRAIN, DRAIN]


def test_sent_means_that_nothing_is_on_its_way_either(bell: Doorbell, broker: Broker) -> None:
    broker.answers.clear()
    bell.ring(DRAIN)
    assert broker.tried.acquire(timeout=PATIENCE)
    assert not bell.wait_until_sent(0.01)
    broker.answers.set()
    assert bell.wait_until_sent(PATIENCE)


def test_a_broker_that_keeps_the_bell_waiting_delays_nobody(bell: Doorbell, broker: Broker) -> None:
    broker.answers.clear()
    before = time.monotonic()
    for number in range(1_000):
        bell.ring(Ring("executor.drain", (number,)))
    assert time.monotonic() - before < 1.0
    broker.answers.set()


def test_rings_beyond_what_can_be_kept_are_dropped(
    bell: Doorbell, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ringing, "PENDING_MAX", 10)
    broker.answers.clear()
    bell.ring(Ring("first"))
    assert broker.tried.acquire(timeout=PATIENCE)
    for number in range(100):
        bell.ring(Ring("executor.drain", (number,)))
    broker.answers.set()
    assert bell.wait_until_sent(PATIENCE)
    assert len(broker.taken) <= 11


def test_after_a_failure_the_bell_falls_silent_instead_of_waiting_again(bell: Doorbell, broker: Broker) -> None:
    broker.up = False
    bell.ring(DRAIN)
    assert bell.wait_until_sent(PATIENCE)
    for number in range(100):
        bell.ring(Ring("executor.drain", (number,)))
    assert bell.wait_until_sent(PATIENCE)
    assert broker.tried.acquire(timeout=0)
    assert not broker.tried.acquire(timeout=0), "it tried again at once"


def test_the_bell_rings_again_when_the_broker_is_back(
    bell: Doorbell, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ringing, "SILENCE_SECONDS", 0.0)
    broker.up = False
    bell.ring(DRAIN)
    assert bell.wait_until_sent(PATIENCE)
    broker.up = True
    bell.ring(DRAIN)
    assert bell.wait_until_sent(PATIENCE)
    assert broker.taken == [DRAIN]


@pytest.mark.parametrize("url", ["redis://127.0.0.1:9/0", "amqp://127.0.0.1:9//"])
def test_ringing_without_a_broker_neither_raises_nor_waits(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    """The real client, and nobody who listens at the broker's address."""
    nowhere = Celery("nowhere", broker=url, set_as_current=False)
    nowhere.conf.broker_connection_timeout = 0.5
    monkeypatch.setattr(ringing, "current_app", nowhere)
    bell = Doorbell()
    before = time.monotonic()
    bell.ring(DRAIN, times=4)
    assert time.monotonic() - before < 0.5
    assert bell.wait_until_sent(PATIENCE)
    nowhere.close()


def test_a_ring_reaches_the_real_broker_without_state_and_expires() -> None:
    bell = Doorbell()
    with Connection(settings.BROKER_URL) as connection, connection.SimpleQueue("doorbell.test") as queue:
        bell.ring(Ring("executor.drain", ("steps",), "doorbell.test"))
        assert bell.wait_until_sent(PATIENCE)
        message = queue.get(timeout=PATIENCE)
        message.ack()
    assert message.headers["task"] == "executor.drain"
    assert message.payload[0] == ["steps"]
    assert message.headers["expires"] is not None
    assert message.headers["ignore_result"]
