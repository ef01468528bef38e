"""Who answers the doorbell: one answer at a time in a process, and no ring lost while it goes on."""

import threading
from collections.abc import Callable

from django.db import connection


class Answer:
    """Runs a function once at a time; rings that come meanwhile make it run once more, however many they are."""

    def __init__(self, work: Callable[[], object], wake: Callable[[], None] | None = None) -> None:
        self._work = work
        self._wake = wake
        self._guard = threading.Lock()
        self._busy = False
        self._rung = False

    def __call__(self) -> None:
        with self._guard:
            self._rung = True
            if self._busy:
                if self._wake is not None:
                    self._wake()
                return
            self._busy = True
        try:
            while self._take_ring():
                self._work()
        except BaseException:
            connection.close()  # it may be what went wrong
            with self._guard:
                self._busy = False
            raise

    def _take_ring(self) -> bool:
        """Whether there was a ring to answer; if not, the next one starts a new answer."""
        with self._guard:
            if not self._rung:
                self._busy = False
                return False
            self._rung = False
            return True
