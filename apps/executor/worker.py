"""This process as a worker: its row, its heartbeat, and the leases that it holds (rule 4).

A thread beats for the whole process, on a connection of its own, and only as long as every drain in it makes
progress: a process whose drain hangs falls silent and loses its leases. With each beat it gives back what the database
says is ours and no drain knows of: the answer of a claim may be lost with its connection. And it stops the calls whose
runs have ended, as by a cancellation: within HEARTBEAT_SECONDS, which nobody waits for.
"""

import logging
import os
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from django.conf import settings
from django.db import connection

from apps.doorbell.ringing import ring
from apps.state.queue import give_back
from apps.state.workers import deregister_worker, leased_of_ended, register_worker, renew
from drivers.contract import Abort

log = logging.getLogger(__name__)


class WorkerProcess:
    """The identity under which this process leases items, and the calls that it has in flight."""

    def __init__(self) -> None:
        self._queues: Sequence[str] = ()
        self._id: int | None = None
        self._identity = threading.Lock()
        self._leasing = threading.Lock()
        self._progress: dict[str, float] = {}
        self._ended = threading.Event()
        self.in_flight: dict[tuple[int, int], Abort] = {}
        """By item and worker: after we were declared dead, an item may be ours again under another identity."""
        self.faults = ""
        """What keeps us from running steps of some of our queues; told with each heartbeat."""

    def start(self, queues: Sequence[str]) -> None:
        """Begin to beat. Called when the Celery worker is ready."""
        self._queues = queues
        threading.Thread(target=self._beat, name="heartbeat", daemon=True).start()

    def id(self) -> int:
        """The id of our row; registers if there is none (any more)."""
        with self._identity:
            if self._id is None:
                self._id = register_worker(f"{socket.gethostname()}:{os.getpid()}", self._queues)
            return self._id

    def forget(self, worker_id: int) -> None:
        """We were declared dead: lease under a new identity, and stop the calls whose leases are lost."""
        with self._identity:
            if self._id == worker_id:
                self._id = None
        for (_, holder), abort in list(self.in_flight.items()):
            if holder == worker_id:
                abort.set("handover")

    @contextmanager
    def leasing(self) -> Iterator[None]:
        """Held from a claim until its items are in flight: what is leased meanwhile is not to be given back."""
        with self._leasing:
            yield

    def note_progress(self, drain: str) -> None:
        """A drain says that its loop goes round; it must do so well within LEASE_SECONDS."""
        self._progress[drain] = time.monotonic()

    def note_end(self, drain: str) -> None:
        """A drain has ended; its silence means nothing now."""
        self._progress.pop(drain, None)

    def stop(self) -> None:
        """Take our row away, for the end of the process. What is still leased goes back with it."""
        self._ended.set()
        try:
            with self._identity:
                if self._id is not None:
                    give_back(self._id)
                    deregister_worker(self._id)
        except Exception as error:  # the process ends in any case, and its silence does the same
            log.warning("this worker's row stays until its silence is noticed: %s", error)
        finally:
            connection.close()

    def _beat(self) -> None:
        while True:
            if self._hangs():
                log.error("a drain of this process makes no progress: no heartbeat, its leases will be taken away")
            else:
                self.beat_once()
            # Until the very end: a stopping worker's steps still run, and their leases must hold.
            if self._ended.wait(settings.HEARTBEAT_SECONDS):
                return

    def beat_once(self) -> None:
        """Renew every lease, and give back those that nobody here knows of. Never raises."""
        try:
            worker_id = self.id()
            if renew(worker_id, self.faults):
                self._reconcile(worker_id)
                self._stop_ended(worker_id)
            else:
                log.warning("this worker was declared dead; it goes on under a new identity")
                self.forget(worker_id)
        except Exception as error:  # whatever it is, the next beat must come
            log.warning("no heartbeat, the database is away: %s", error)
        finally:
            connection.close()

    def _reconcile(self, worker_id: int) -> None:
        # A claim that waits for the database must not hold up the heartbeat: the next one looks again.
        if not self._leasing.acquire(blocking=False):
            return
        try:
            lost = give_back(worker_id, keep=[item for item, holder in list(self.in_flight) if holder == worker_id])
        finally:
            self._leasing.release()
        for queue in lost:
            log.warning("items of queue %s were leased to this process unknown to it; they are ready again", queue)
            ring("executor.drain", queue, queue=queue)

    def _stop_ended(self, worker_id: int) -> None:
        """Abort the calls of runs that have ended. What they come to is dropped when it is recorded."""
        if not self.in_flight:
            return
        for item in leased_of_ended(worker_id):
            abort = self.in_flight.get((item, worker_id))
            if abort is not None:
                abort.set("cancel")

    def _hangs(self) -> bool:
        oldest = min(list(self._progress.values()), default=None)
        return oldest is not None and time.monotonic() - oldest > settings.LEASE_SECONDS


this_worker = WorkerProcess()
