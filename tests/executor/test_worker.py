"""This process as a worker: it registers, beats, and goes on under a new name when it was declared dead."""

import pytest
from django.db import OperationalError

from apps.executor import worker as worker_module
from apps.executor.worker import WorkerProcess
from apps.state import queue
from apps.state.ending import cancel_run
from apps.state.models import LeasedItem, ReadyItem, Worker
from apps.state.workers import reclaim_lost
from drivers.contract import Abort
from tests.executor.finishing import start
from tests.functions import Rings
from tests.state.counting import statements
from tests.state.items import LEASE_SECONDS, QUEUE, add_ready, execute, silence

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def one_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """The heartbeat closes its own thread's connection; here it is the test's."""
    monkeypatch.setattr("django.db.connection.close", lambda: None)


def test_a_process_registers_once(worker: WorkerProcess) -> None:
    assert worker.id() == worker.id()
    assert Worker.objects.get().pk == worker.id()


def test_a_beat_renews(worker: WorkerProcess) -> None:
    silence(worker.id())
    worker.beat_once()
    reclaim_lost(LEASE_SECONDS, 5)
    assert Worker.objects.get().pk == worker.id()


def test_a_process_that_was_declared_dead_goes_on_under_another_identity_and_stops_its_calls(
    worker: WorkerProcess,
) -> None:
    old = worker.id()
    add_ready(1)
    (item,) = queue.claim(QUEUE, old, 1, 0)
    lost, kept = Abort(), Abort()
    worker.in_flight[item.id, old] = lost
    worker.in_flight[item.id, old + 1_000] = kept
    silence(old)
    reclaim_lost(LEASE_SECONDS, 5)
    worker.beat_once()
    assert lost.is_set()
    assert not kept.is_set()
    assert worker.id() != old
    assert Worker.objects.get().pk == worker.id()
    assert len(queue.claim(QUEUE, worker.id(), 1, 0)) == 1


def test_a_beat_gives_back_what_no_drain_knows_of(worker: WorkerProcess, rings: Rings) -> None:
    add_ready(1, 2)
    known, _ = queue.claim(QUEUE, worker.id(), 2, 0)
    worker.in_flight[known.id, worker.id()] = Abort()
    worker.beat_once()
    assert LeasedItem.objects.get().pk == known.id
    assert ReadyItem.objects.count() == 1
    assert rings.take() == {("executor.drain", QUEUE): 1}


def test_a_beat_takes_nothing_from_a_claim_that_is_under_way(worker: WorkerProcess) -> None:
    add_ready(1)
    with worker.leasing():
        queue.claim(QUEUE, worker.id(), 1, 0)
        worker.beat_once()
    assert LeasedItem.objects.count() == 1


@pytest.mark.parametrize("error", [OperationalError("away"), RuntimeError("anything")])
def test_a_beat_that_fails_does_not_raise(
    worker: WorkerProcess, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fails(worker_id: int, faults: str) -> bool:
        raise error

    monkeypatch.setattr(worker_module, "renew", fails)
    worker.beat_once()


def test_a_process_that_ends_gives_back_what_it_holds_and_takes_its_row_away(worker: WorkerProcess) -> None:
    add_ready(1)
    queue.claim(QUEUE, worker.id(), 1, 0)
    worker.stop()
    assert not Worker.objects.exists()
    assert ReadyItem.objects.get().returns == 0


def test_a_process_that_never_leased_anything_ends_without_a_row(worker: WorkerProcess) -> None:
    worker.stop()
    assert not Worker.objects.exists()


def test_a_drain_that_makes_no_progress_silences_its_process(
    worker: WorkerProcess, settings: pytest.FixtureRequest
) -> None:
    settings.LEASE_SECONDS = 0.0  # type: ignore[attr-defined]
    worker.note_progress("steps")
    assert worker._hangs()
    worker.note_end("steps")
    assert not worker._hangs()


@pytest.mark.django_db(transaction=True)
def test_a_started_worker_beats_by_itself_until_it_ends(
    worker: WorkerProcess, monkeypatch: pytest.MonkeyPatch, settings: pytest.FixtureRequest
) -> None:
    import threading

    settings.HEARTBEAT_SECONDS = 0.0  # type: ignore[attr-defined]
    beats = threading.Semaphore(0)
    monkeypatch.setattr(worker, "beat_once", beats.release)
    worker.start(["steps"])
    for _ in range(3):
        assert beats.acquire(timeout=10)
    worker.stop()
    execute("SELECT 1")


def test_a_beat_stops_the_calls_of_runs_that_have_ended(worker: WorkerProcess) -> None:
    start(runs=3)
    items = queue.claim(QUEUE, worker.id(), 3, 0)
    aborts = [Abort() for _ in items]
    worker.in_flight.update({(item.id, worker.id()): abort for item, abort in zip(items, aborts, strict=True)})
    cancel_run(items[1].run_id, "asked for")
    worker.beat_once()
    assert [abort.reason for abort in aborts] == [None, "cancel", None]
    assert LeasedItem.objects.count() == 3  # its drain drops it


def test_a_beat_of_a_worker_that_runs_nothing_is_two_statements(worker: WorkerProcess) -> None:
    worker.beat_once()
    with statements() as seen:
        worker.beat_once()
    assert len(seen) == 2, seen


def test_a_beat_of_a_worker_that_runs_something_is_one_statement_more(worker: WorkerProcess) -> None:
    start(runs=20)
    for item in queue.claim(QUEUE, worker.id(), 20, 0):
        worker.in_flight[item.id, worker.id()] = Abort()
    with statements() as seen:
        worker.beat_once()
    assert len(seen) == 3, seen


def test_a_beat_says_what_keeps_the_worker_from_its_steps(worker: WorkerProcess) -> None:
    worker.id()
    assert Worker.objects.get().faults == ""
    worker.faults = "docker: the engine does not answer"
    worker.beat_once()
    assert Worker.objects.get().faults == "docker: the engine does not answer"
    worker.faults = ""
    worker.beat_once()
    assert Worker.objects.get().faults == ""
