"""Rings for the runner after commits: at once when it is quiet, at most every few milliseconds when it is not."""

import asyncio

from django.conf import settings

from apps.doorbell.ringing import ring

QUIET_SECONDS = 0.01
"""While a runner consumes it looks again by itself; more rings would only take time from accepting events."""
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
            self._timer = asyncio.get_running_loop().call_later(QUIET_SECONDS, self._quiet_is_over)

    def _quiet_is_over(self) -> None:
        self._timer = None
        if self._events:
            self.events_stored(0)

    def _ring(self) -> None:
        batches = -(-self._events // settings.CONSUME_BATCH)
        self._events = 0
        ring("runner.consume_events", queue="events", times=min(batches, RUNNERS_MOST))
