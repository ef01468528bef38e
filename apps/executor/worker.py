"""This process as a worker: its row, its heartbeat, and whether it is stopping (rule 4).

A thread beats for the whole process, on a connection of its own, and only as long as every drain in it makes
progress: a process whose drain hangs falls silent and loses its leases.
"""

import contextlib
import logging
import os
import socket
import threading
import time
from collections.abc import Sequence

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection

from apps.state.queue import give_back
from apps.state.workers import deregister_worker, register_worker, renew

log = logging.getLogger(__name__)


class WorkerProcess:
    """The identity under which this process leases items."""

    def __init__(self) -> None:
        self._queues: Sequence[str] = ()
        self._id: int | None = None
        self._guard = threading.Lock()
        self._progress: dict[str, float] = {}
        self.stopping = threading.Event()
        self._beating: threading.Thread | None = None

    def start(self, queues: Sequence[str]) -> None:
        """Begin to beat. Called when the Celery worker is ready."""
        self._queues = queues
        self._beating = threading.Thread(target=self._beat, name="heartbeat", daemon=True)
        self._beating.start()

    def id(self) -> int:
        """The id of our row; registers if there is none (any more)."""
        with self._guard:
            if self._id is None:
                self._id = register_worker(f"{socket.gethostname()}:{os.getpid()}", self._queues)
            return self._id

    def forget(self, worker_id: int) -> None:
        """We were declared dead: lease under a new identity. What the old one held is lost to us."""
        with self._guard:
            if self._id == worker_id:
                self._id = None

    def note_progress(self, drain: str) -> None:
        """A drain says that its loop goes round; it must do so well within LEASE_SECONDS."""
        self._progress[drain] = time.monotonic()

    def note_end(self, drain: str) -> None:
        """A drain has ended; its silence means nothing now."""
        self._progress.pop(drain, None)

    def stop(self) -> None:
        """Take our row away, for the end of the process. Nothing is leased any more."""
        self.stopping.set()
        with self._guard, contextlib.suppress(DatabaseError, InterfaceError):
            if self._id is not None:
                give_back(self._id)
                deregister_worker(self._id)
        connection.close()

    def _beat(self) -> None:
        while True:
            if self._hangs():
                log.error("a drain of this process makes no progress: no heartbeat, its leases will be taken away")
            else:
                self._beat_once()
            if self.stopping.wait(settings.HEARTBEAT_SECONDS):
                return

    def _beat_once(self) -> None:
        try:
            worker_id = self.id()
            if not renew(worker_id):
                log.warning("this worker was declared dead; it goes on under a new identity")
                self.forget(worker_id)
        except (DatabaseError, InterfaceError) as error:
            log.warning("no heartbeat, the database is away: %s", error)
        finally:
            connection.close()

    def _hangs(self) -> bool:
        oldest = min(self._progress.values(), default=None)
        return oldest is not None and time.monotonic() - oldest > settings.LEASE_SECONDS


this_worker = WorkerProcess()
