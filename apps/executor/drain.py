"""The worker's loop: claim → load → drive → record, until nothing is ready and nothing is in flight.

Only the thread that drains touches PostgreSQL. The steps run side by side on threads of their own, one a slot, and come
back through `_inbox`, where rings that arrive meanwhile come too.
"""

import logging
import time
from contextlib import suppress
from functools import partial
from queue import Empty, SimpleQueue

from django.conf import settings
from django.db import connection

from apps.doorbell.ringing import ring
from apps.doorbell.stopping import stopping
from apps.executor import engine_watch
from apps.executor.finished import Finished
from apps.executor.loading import Work, load
from apps.executor.probing import Probing
from apps.executor.recording import record
from apps.executor.redaction import redact
from apps.executor.releasing import releasing
from apps.executor.slots import Slots
from apps.executor.telling import LongSteps, tell_recorded
from apps.executor.worker import this_worker
from apps.state import faults, queue
from apps.state.wakes import ring_for
from drivers.contract import Abort, Outcome, StepError
from drivers.registry import driver_for

log = logging.getLogger(__name__)

TICK_SECONDS = 1.0
"""How often the loop goes round while its steps run, to show that it lives."""
HELP_SECONDS = (0.05, 1.0)
"""A drain that claimed all it could rings for others to help: at first so soon again, then half as often each time, to
the second in which beat rings anyway."""
DATABASE_PAUSE_SECONDS = 0.5
ALONE_AFTER = 3
"""An item that has come back so often from dead workers may have killed them: it is run with no other beside it, so
that its neighbours do not fail with it."""

Lease = tuple[int, int]
"""An item and the worker that leased it."""


class Drain:
    """The drain of one queue in this process. `run` is called by one thread at a time; see `doorbell.answering`."""

    def __init__(self, queue_name: str) -> None:
        self._queue = queue_name
        self._slots = Slots(_slots_of(queue_name), f"step-{queue_name}")
        self._inbox: SimpleQueue[Finished | None] = SimpleQueue()
        self._in_flight: set[Lease] = set()
        self._unrecorded: list[Finished] = []
        self._long = LongSteps()
        self._probing = Probing()
        self._suspect: Work | None = None
        self._alone: Lease | None = None
        self._after = 0
        self._help_at = 0.0
        self._help_pause = HELP_SECONDS[0]

    def wake(self) -> None:
        """A ring has come while `run` goes on: look for work again."""
        self._inbox.put(None)

    def run(self) -> None:
        """Drain the queue. On shutdown let the steps finish for a while, then abort them and give the items back."""
        self._help_pause = HELP_SECONDS[0]
        try:
            while not stopping.is_set():
                this_worker.note_progress(self._queue)
                functions = self._fill_slots()
                if not functions and not self._in_flight:
                    return
                # Several functions shared the claim evenly: one with more than its share may fill what another left.
                self._take_in(TICK_SECONDS if functions <= 1 and self._runs_something() else 0)
                self._record()
                self._long.tell()
            self._finish_or_give_back()
        finally:
            this_worker.note_end(self._queue)

    def _fill_slots(self) -> int:
        """Claim as many items as there are free slots and start them. Of how many functions there were some."""
        free = self._free()
        if free == 0 or self._must_wait_for_suspect():
            return 0
        leases: list[Lease] = []
        try:
            with this_worker.leasing():
                worker_id = this_worker.id()
                items = queue.claim(self._queue, worker_id, free, self._after)
                leases = [(item.id, worker_id) for item in items]
                self._hold(leases)
            if not items:
                return 0
            self._probing.begin()
            self._after = queue.last_served(items, self._after)
            faults.reach("claimed")
            loaded = load(items, worker_id)
            if loaded.ended:
                ended = [(item.id, worker_id) for item in loaded.ended]
                queue.finish(ended)
                self._let_go(ended)
        except Exception as error:
            # What the claim leased, if it did, goes back with the next heartbeat, because nobody here knows of it.
            log.warning("nothing is claimed: %s: %s", type(error).__name__, error)
            self._let_go(leases)
            self._pause()
            return 0
        self._unrecorded += loaded.over
        self._start(loaded.work)
        if len(items) == free and not self._engine_is_away():
            self._ring_for_help()
        return len({item.function_id for item in items})

    def _free(self) -> int:
        """The slots to be filled now."""
        pause = settings.UNAVAILABLE_RETRY_SECONDS if self._engine_is_away() else None
        return self._probing.most(self._slots.count - len(self._in_flight), pause)

    def _engine_is_away(self) -> bool:
        """Whether it is known that none of the queue's steps can run here."""
        return self._queue == engine_watch.QUEUE and bool(this_worker.faults)

    def _runs_something(self) -> bool:
        """Whether there is something to wait for: what needs no call is over already, and a suspect has not begun."""
        return len(self._in_flight) > len(self._unrecorded) + (self._suspect is not None)

    def _must_wait_for_suspect(self) -> bool:
        """Start the suspect once nothing else is in flight; until it has ended, nothing is claimed."""
        if self._suspect is not None and len(self._in_flight) == 1:
            self._alone = (self._suspect.item.id, self._suspect.worker_id)
            self._submit(self._suspect)
            self._suspect = None
        return self._suspect is not None or self._alone in self._in_flight

    def _start(self, work: list[Work]) -> None:
        suspects = [one for one in work if one.item.returns >= ALONE_AFTER]
        if suspects:
            self._suspect = suspects[0]
            self._let_go([(one.item.id, one.worker_id) for one in suspects[1:]])
        for one in work:
            if one not in suspects:
                self._submit(one)

    def _submit(self, work: Work) -> None:
        abort = this_worker.in_flight[work.item.id, work.worker_id]
        if settings.LOG_RUNS:
            self._long.begin(work)
        self._slots.run(partial(self._drive, work, abort), busy=len(self._in_flight))

    def _drive(self, work: Work, abort: Abort) -> None:
        try:
            outcome = driver_for(work.call.runtime["type"]).run(work.call, abort)
        except BaseException as error:  # a thread that ended without an answer would hold its slot for ever
            log.exception("the driver of %s failed", work.item)
            outcome = Outcome(ok=False, error=StepError(type(error).__name__, f"the driver failed: {error}"))
        try:
            outcome = redact(outcome, work.call)
        except BaseException as error:  # the same; and what could not be redacted must not be kept, nor its traceback
            log.error("%s: what it gave back could not be redacted: %s", work.item, type(error).__name__)
            outcome = _withheld(outcome, error)
        faults.reach("called")
        self._inbox.put(work.finish(outcome))

    def _hold(self, leases: list[Lease]) -> None:
        self._in_flight.update(leases)
        this_worker.in_flight.update((lease, Abort()) for lease in leases)

    def _let_go(self, leases: list[Lease]) -> None:
        self._in_flight.difference_update(leases)
        self._long.end(leases)
        for lease in leases:
            this_worker.in_flight.pop(lease, None)

    def _take_in(self, seconds: float) -> None:
        """Take whatever has finished, after waiting for the first of it or for a ring."""
        came: list[Finished | None] = []
        with suppress(Empty):
            came.append(self._inbox.get(timeout=seconds) if seconds else self._inbox.get_nowait())
            while True:
                came.append(self._inbox.get_nowait())
        finished = [one for one in came if one is not None]
        self._probing.learn(one.outcome for one in finished)
        self._unrecorded += finished

    def _record(self) -> None:
        """Record what has finished; while the database is away, keep it: the leases are still ours."""
        if not self._unrecorded:
            return
        try:
            recorded = record(self._unrecorded)
        except Exception as error:
            log.warning("nothing is recorded yet: %s: %s", type(error).__name__, error)
            self._pause()
            return
        if settings.LOG_RUNS:
            tell_recorded(self._unrecorded, recorded)
        for one in self._unrecorded:
            # What another worker goes on with is left to it: it was not ours any more, or is to be tried again.
            if one.outcome.kept is not None and (one.item.id, one.worker_id) in recorded.over:
                releasing.release(one.outcome.kept)
        self._let_go([(one.item.id, one.worker_id) for one in self._unrecorded])
        self._unrecorded = []
        if recorded.now is None:
            return
        if recorded.wakes.ready[self._queue] <= self._free() and not stopping.is_set():
            del recorded.wakes.ready[self._queue]  # what fits our own slots we claim ourselves at once
        ring_for(recorded.wakes, recorded.now)

    def _ring_for_help(self) -> None:
        now = time.monotonic()
        if now >= self._help_at:
            self._help_at = now + self._help_pause
            self._help_pause = min(2 * self._help_pause, HELP_SECONDS[1])
            ring("executor.drain", self._queue, queue=self._queue)

    def _pause(self) -> None:
        connection.close()
        time.sleep(DATABASE_PAUSE_SECONDS)

    def _finish_or_give_back(self) -> None:
        until = time.monotonic() + settings.SHUTDOWN_GRACE_SECONDS
        while self._in_flight and (left := until - time.monotonic()) > 0:
            this_worker.note_progress(self._queue)
            self._take_in(min(left, TICK_SECONDS))
            self._record()
        if not self._in_flight:
            return
        log.info("%d steps go back to the queue", len(self._in_flight))
        leases = list(self._in_flight)
        for lease in leases:
            this_worker.in_flight[lease].set("handover")
        self._let_go(leases)
        try:
            for name in queue.give_back(this_worker.id(), self._queue):
                ring("executor.drain", name, queue=name)
        except Exception as error:  # the end of the process, or its silence, gives them back
            log.warning("the steps are not given back yet: %s", error)


def _withheld(outcome: Outcome, error: BaseException) -> Outcome:
    """A failure in place of it, without anything that the step has said."""
    message = f"the step's secrets could not be taken out of what it gave back: {type(error).__name__}"
    failed = StepError("RedactionFailed", message)
    return Outcome(ok=False, error=failed, unavailable=outcome.unavailable, kept=outcome.kept)


def _slots_of(queue_name: str) -> int:
    counts: dict[str, int] = {"steps.cpu": settings.CPU_SLOTS, "steps.docker": settings.DOCKER_SLOTS}
    return counts.get(queue_name, settings.STEP_SLOTS)
