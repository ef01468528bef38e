"""Celery's messages, delivered twice and in any order, or now and then, or never: by the test, in this process."""

import random
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connections
from django.db.models import Count
from pytest_django.fixtures import Settings

from apps.doorbell import ringing
from apps.doorbell.ringing import Ring
from apps.event_stream.models import InboxEntry, ParkedEvent
from apps.executor.worker import WorkerProcess
from apps.state.models import History, LeasedItem, ReadyItem, Run, ScheduledItem, Step
from drivers.contract import Call, Outcome, StepError
from inngest_server.celery import app
from tests.functions import ScriptedDriver, append, deploy_function
from tests.waiting import wait_for

pytestmark = pytest.mark.django_db(transaction=True)

EVENTS = 60
STEPS = {"a": (), "b": ("a",), "c": ("a",), "d": ("b",), "e": ("b", "c")}
POSTMEN = 4
ARRIVE = 0.3
"""The share of the messages that arrive when some are lost."""
app.loader.import_default_modules()

CHORES = (Ring("runner.consume_events"), Ring("executor.reclaim_leases"), Ring("executor.wake_due"))
"""What beat rings for."""


class Mailbag:
    """Takes the place of the doorbell: every ring lies here until it is delivered, in the order of chance."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self._guard = threading.Lock()
        self._rings: list[Ring] = []

    def ring(self, ring: Ring, times: int = 1) -> None:
        with self._guard:
            self._rings += [ring] * times

    def take(self) -> Ring | None:
        with self._guard:
            if not self._rings:
                return None
            return self._rings.pop(self.chance.randrange(len(self._rings)))

    def empty(self) -> list[Ring]:
        """All that lie here, in the order of chance."""
        return list(iter(self.take, None))


@pytest.fixture(params=range(3))
def mailbag(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, worker: WorkerProcess) -> Mailbag:
    bag = Mailbag(request.param)
    monkeypatch.setattr(ringing, "_doorbell", bag)
    # This process has begun to consume the queue of the steps: beat's chores ring for no queue that nobody serves.
    monkeypatch.setattr(worker, "_queues", ["steps"])
    worker.id()
    return bag


@pytest.fixture
def postmen() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(POSTMEN) as pool:
        yield pool
        for _ in range(POSTMEN):
            pool.submit(connections.close_all)


def deliver(ring: Ring) -> None:
    """As a worker does that got the message."""
    try:
        app.tasks[ring.task](*ring.args)
    finally:
        connections.close_all()


def first_fails(call: Call) -> Outcome:
    if call.attempt == 0:
        return Outcome(ok=False, error=StepError("Error", "the first attempt fails"))
    return Outcome(ok=True, output="1")


def is_done() -> bool:
    tables = (InboxEntry, ReadyItem, ScheduledItem, LeasedItem)
    return not any(table.objects.exists() for table in tables) and not Run.objects.filter(ended_at=None).exists()


def assert_everything_ran_once(driver: ScriptedDriver) -> None:
    assert is_done()
    assert not ParkedEvent.objects.exists()
    assert Run.objects.filter(status="completed").count() == Run.objects.count() == EVENTS
    assert Step.objects.filter(status="completed").count() == Step.objects.count() == EVENTS * len(STEPS)
    told = History.objects.filter(kind="step.completed").values("run_id", "step_id").annotate(times=Count("id"))
    assert [entry["times"] for entry in told] == [1] * (EVENTS * len(STEPS))
    assert History.objects.filter(kind="run.completed").count() == EVENTS


def test_messages_that_come_twice_and_in_random_order_do_no_harm(
    mailbag: Mailbag, driver: ScriptedDriver, postmen: ThreadPoolExecutor
) -> None:
    deploy_function(STEPS)
    for _ in range(EVENTS // 10):
        append(count=10)
        mailbag.ring(Ring("runner.consume_events"))
    while not is_done():
        # Beat is not needed as long as no message is lost: nothing may be left when the bag is empty.
        batch = [ring for ring in (mailbag.take() for _ in range(POSTMEN)) if ring is not None]
        assert batch, "the bag is empty, and something is left to be done"
        for delivery in [postmen.submit(deliver, ring) for ring in mailbag.chance.sample(batch * 2, len(batch) * 2)]:
            delivery.result()
    assert_everything_ran_once(driver)
    assert set(driver.calls.values()) == {1}


def test_what_lost_messages_leave_undone_is_done_when_beat_rings(
    mailbag: Mailbag, driver: ScriptedDriver, postmen: ThreadPoolExecutor, settings: Settings
) -> None:
    settings.RETRY_SCALE = 0.001
    driver.answer = first_fails
    deploy_function(STEPS, attempts=3)
    append(count=EVENTS)

    def goes_on() -> bool:
        for ring in CHORES:
            mailbag.ring(ring)
        for ring in mailbag.empty():
            if mailbag.chance.random() < ARRIVE:
                postmen.submit(deliver, ring).result()
        return is_done()

    wait_for(goes_on, "everything is done")
    assert_everything_ran_once(driver)
    assert set(driver.calls.values()) == {2}


def test_without_any_message_but_beats_everything_runs(mailbag: Mailbag, driver: ScriptedDriver) -> None:
    deploy_function(STEPS)
    append(count=EVENTS)

    def beat_rings() -> bool:
        for chore in CHORES:
            mailbag.empty()
            deliver(chore)
        # What the last of the chores rings for is beat's too: it wakes the drains.
        for ring in mailbag.empty():
            deliver(ring)
        return is_done()

    wait_for(beat_rings, "everything is done")
    assert_everything_ran_once(driver)
    assert set(driver.calls.values()) == {1}
