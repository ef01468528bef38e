"""Rings for the runner after commits: at once when it is quiet, now and then when it is not."""

import asyncio

from django.conf import settings

from apps.doorbell.ringing import ring

QUIET_SECONDS = 0.01
"""The least time between rings. While a runner consumes it looks again by itself."""
BUSY_EVENTS = 20
BUSY_QUIET_SECONDS = 0.05
"""The least time between rings while so many events come in it: a ring takes as much of the processor as ten events."""
RUNNERS_MOST = 4


class ConsumerBell:
    def __init__(self) -> None:
        self._events = 0
        self._timer: asyncio.TimerHandle | None = None

    def events_stored(self, count: int) -> None:
        """Called after each commit, in the event loop."""
        self._events += count
        if self._timer is None:
            self._ring()

    def _ring(self) -> None:
        quiet = BUSY_QUIET_SECONDS if self._events > BUSY_EVENTS else QUIET_SECONDS
        batches = -(-self._events // settings.CONSUME_BATCH)
        self._events = 0
        self._timer = asyncio.get_running_loop().call_later(quiet, self._quiet_is_over)
        ring("runner.consume_events", queue="events", times=min(batches, RUNNERS_MOST))

    def _quiet_is_over(self) -> None:
        self._timer = None
        if self._events:
            self._ring()
