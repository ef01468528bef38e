"""The doorbell: "there may be work", said to whoever answers for it. Rule 1: a hint, never the work itself.

Ringing neither raises nor waits: a background thread publishes, and while the broker is out of reach it falls silent
(beat rings for everything within a second of its return). Rings for the same task that are still waiting are one.
"""

import logging
import threading
import time
from dataclasses import dataclass
from typing import Any

from celery import current_app

log = logging.getLogger(__name__)

SILENCE_SECONDS = 1.0
"""How long nothing is published after a failure, so that a dead broker costs one time-out a second and no more."""
PENDING_MAX = 10_000
QUIET_SECONDS = 0.01
"""The least time between two of the same rings: what comes meanwhile waits, and is one. Who answers looks again by
itself before it ends, and a message costs as much as half a step."""


@dataclass(frozen=True, slots=True)
class Ring:
    """One message to be sent: a task by its name, so that no layer imports one above it."""

    task: str
    args: tuple[Any, ...] = ()
    queue: str | None = None
    countdown: float | None = None


class Doorbell:
    """Publishes rings from a thread of its own. One per process; see `ring`."""

    def __init__(self) -> None:
        self._pending: dict[tuple[Ring, int], None] = {}
        self._last: dict[tuple[Ring, int], float] = {}
        self._publishing = False
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def ring(self, ring: Ring, times: int = 1) -> None:
        """Queue a ring. `times` above one wakes that many workers. Never raises, never waits for the broker."""
        with self._changed:
            if len(self._pending) >= PENDING_MAX:
                return
            for turn in range(times):
                self._pending[(ring, turn)] = None
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._publish_forever, name="doorbell", daemon=True)
                self._thread.start()
            self._changed.notify()

    def wait_until_sent(self, timeout: float) -> bool:
        """Whether everything queued has been published or given up within `timeout` seconds."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._pending and not self._publishing, timeout)

    def _publish_forever(self) -> None:
        silent_until = 0.0
        while True:
            with self._changed:
                # Taken off before it is sent: a ring from now on is about later work, and needs a message of its own.
                ring = self._take()
                self._publishing = True
            if time.monotonic() >= silent_until:
                try:
                    _publish(ring)
                except Exception as error:  # the broker's client raises of every kind
                    silent_until = time.monotonic() + SILENCE_SECONDS
                    log.warning("the broker is out of reach, beat will ring instead: %s", error)
            with self._changed:
                self._publishing = False
                self._changed.notify_all()

    def _take(self) -> Ring:
        """Wait for a ring whose quiet time is over, and take it off."""
        while True:
            now = time.monotonic()
            soonest = None
            for key in self._pending:
                left = self._last.get(key, 0.0) + QUIET_SECONDS - now
                if left <= 0:
                    self._pending.pop(key)
                    self._last = {k: at for k, at in self._last.items() if now - at < QUIET_SECONDS}
                    self._last[key] = now
                    return key[0]
                soonest = left if soonest is None else min(soonest, left)
            self._changed.wait(soonest)


def _publish(ring: Ring) -> None:
    current_app.send_task(
        ring.task,
        args=ring.args,
        queue=ring.queue,
        countdown=ring.countdown,
        retry=False,
        ignore_result=True,
        expires=None if ring.countdown else 60,
    )


_doorbell = Doorbell()


def ring(task: str, *args: Any, queue: str | None = None, countdown: float | None = None, times: int = 1) -> None:
    """Ring for `task` now (from the background)."""
    _doorbell.ring(Ring(task, args, queue, countdown), times)


def wait_until_sent(timeout: float) -> bool:
    """Wait for the background thread to have nothing left, at most `timeout` seconds."""
    return _doorbell.wait_until_sent(timeout)
