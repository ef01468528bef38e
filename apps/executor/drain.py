"""The worker's loop: claim → load → drive → record, until nothing is ready and nothing is in flight.

Only the thread that drains touches PostgreSQL. The steps run side by side on threads of their own, one a slot, and come
back through `_inbox`, where rings that arrive meanwhile come too.
"""

import logging
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from queue import Empty, SimpleQueue

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection

from apps.doorbell.ringing import ring
from apps.executor.loading import Work, load
from apps.executor.recording import Finished, record
from apps.executor.telling import tell
from apps.executor.worker import this_worker
from apps.state import faults, queue
from apps.state.queue import Item
from drivers.contract import Abort, Outcome, StepError
from drivers.registry import driver_for

log = logging.getLogger(__name__)

TICK_SECONDS = 1.0
"""How often the loop goes round while its steps run, to show that it lives."""
HELP_SECONDS = 0.05
"""How often a drain that claimed all it could rings for others to help."""
DATABASE_PAUSE_SECONDS = 0.5


class Drain:
    """The drain of one queue in this process. `run` is called by one thread at a time; see `doorbell.answering`."""

    def __init__(self, queue_name: str) -> None:
        self._queue = queue_name
        self._slots: int = settings.CPU_SLOTS if queue_name.endswith(".cpu") else settings.STEP_SLOTS
        self._threads = ThreadPoolExecutor(self._slots, thread_name_prefix=f"step-{queue_name}")
        self._inbox: SimpleQueue[Finished | None] = SimpleQueue()
        self._in_flight: dict[int, Abort] = {}
        self._after = 0
        self._rang_for_help = 0.0
        self._doubtful = False
        """A claim may have leased what we do not know of: its answer was lost with the connection."""

    def wake(self) -> None:
        """A ring has come while `run` goes on: look for work again."""
        self._inbox.put(None)

    def run(self) -> None:
        """Drain the queue. On shutdown let the steps finish for a while, then abort them and give the items back."""
        try:
            while not this_worker.stopping.is_set():
                this_worker.note_progress(self._queue)
                claimed = self._fill_slots()
                if not self._in_flight:
                    # In doubt the drain goes on: what it may hold is not ready, so nobody would ring for it.
                    if not claimed and not self._doubtful:
                        return
                    continue
                self._record(self._wait(TICK_SECONDS))
            self._finish_or_give_back()
        finally:
            this_worker.note_end(self._queue)

    def _fill_slots(self) -> bool:
        """Claim as many items as there are free slots and start them. Whether there was anything."""
        free = self._slots - len(self._in_flight)
        if free == 0:
            return False
        try:
            items, worker_id = self._claim(free)
            if not items:
                return False
            faults.reach("claimed")
            loaded = load(items, worker_id)
            if loaded.ended:
                queue.finish([(item.id, worker_id) for item in loaded.ended])
        except Exception as error:
            if isinstance(error, (OperationalError, InterfaceError)):
                log.warning("nothing is claimed, the database is away: %s", error)
            else:
                log.exception("nothing is claimed")
            self._doubtful = True
            connection.close()
            this_worker.stopping.wait(DATABASE_PAUSE_SECONDS)
            return False
        for work in loaded.work:
            self._start(work)
        self._record(loaded.unloadable)
        if len(items) == free:
            self._ring_for_help()
        return True

    def _claim(self, most: int) -> tuple[Sequence[Item], int]:
        worker_id = this_worker.id()
        if self._doubtful:
            queue.give_back(worker_id, keep=list(self._in_flight))
            self._doubtful = False
        items = queue.claim(self._queue, worker_id, most, self._after)
        if items:
            self._after = queue.last_served(items, self._after)
        return items, worker_id

    def _start(self, work: Work) -> None:
        abort = Abort()
        self._in_flight[work.item.id] = abort
        self._threads.submit(self._drive, work, abort)

    def _drive(self, work: Work, abort: Abort) -> None:
        try:
            outcome = driver_for(work.step.runtime.type).run(work.call, abort)
        except Exception as error:
            log.exception("the driver of %s failed", work.item)
            outcome = Outcome(ok=False, error=StepError(type(error).__name__, f"the driver failed: {error}"))
        faults.reach("called")
        self._inbox.put(work.finish(outcome))

    def _wait(self, seconds: float) -> list[Finished]:
        """Whatever has finished, after waiting for the first of it or for a ring."""
        came: list[Finished | None] = []
        try:
            came.append(self._inbox.get(timeout=seconds))
            while True:
                came.append(self._inbox.get_nowait())
        except Empty:
            return [one for one in came if one is not None]

    def _record(self, finished: list[Finished]) -> None:
        """Record, for as long as the database is away too: the leases are ours until someone takes them."""
        if not finished:
            return
        while True:
            try:
                recorded = record(finished)
                break
            except (OperationalError, InterfaceError) as error:
                log.warning("nothing is recorded yet, the database is away: %s", error)
                connection.close()
                this_worker.note_progress(self._queue)
                if this_worker.stopping.wait(DATABASE_PAUSE_SECONDS):
                    return
        for one in finished:
            self._in_flight.pop(one.item.id, None)
        if settings.LOG_RUNS:
            tell(finished, recorded.history)
        free = self._slots - len(self._in_flight)
        for name, items in recorded.queued.items():
            # What fits our own slots we claim ourselves at once.
            if name != self._queue or items > free:
                ring("executor.drain", name, queue=name)
        for seconds in {_bucket(delay) for delay in recorded.retries if delay <= settings.ETA_HORIZON_SECONDS}:
            ring("executor.wake_due", countdown=seconds)

    def _ring_for_help(self) -> None:
        if time.monotonic() - self._rang_for_help > HELP_SECONDS:
            self._rang_for_help = time.monotonic()
            ring("executor.drain", self._queue, queue=self._queue)

    def _finish_or_give_back(self) -> None:
        until = time.monotonic() + settings.SHUTDOWN_GRACE_SECONDS
        while self._in_flight and (left := until - time.monotonic()) > 0:
            this_worker.note_progress(self._queue)
            self._record(self._wait(min(left, TICK_SECONDS)))
        for abort in self._in_flight.values():
            abort.set()
        if self._in_flight:
            log.info("%d steps go back to the queue", len(self._in_flight))
            for name in queue.give_back(this_worker.id()):
                ring("executor.drain", name, queue=name)
            self._in_flight.clear()


def _bucket(seconds: float) -> float:
    """Rounded up to a quarter of a second, so that retries which are due together share a ring."""
    return -(-seconds // 0.25) * 0.25
