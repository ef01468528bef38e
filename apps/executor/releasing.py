"""Takes away what drivers kept until a call was recorded (`Outcome.kept`): beside the drains, which have better to do.

What a killed process did not come to, `remove_orphans` finds.
"""

import logging
import threading
from collections.abc import Callable
from functools import partial

from apps.executor.slots import Slots

log = logging.getLogger(__name__)

THREADS = 4
WAITING_MOST = 1_000
"""Beyond it, what is kept is left to be found."""


class Releasing:
    """Threads that run these callbacks, started when first needed."""

    def __init__(self) -> None:
        self._slots = Slots(THREADS, "release")
        self._left = 0
        self._changed = threading.Condition()

    def release(self, kept: Callable[[], None]) -> None:
        """Have it called soon. Never waits."""
        with self._changed:
            if self._left >= WAITING_MOST:
                return
            self._left += 1
            self._slots.run(partial(self._call, kept), busy=self._left)

    def wait(self, seconds: float) -> bool:
        """Until all are through, for so long at most; whether they are."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._left, seconds)

    def _call(self, kept: Callable[[], None]) -> None:
        try:
            kept()
        except Exception:  # a thread that ended would be missed for ever
            log.exception("what a call had kept is not taken away")
        with self._changed:
            self._left -= 1
            self._changed.notify_all()


releasing = Releasing()
"""Of this process."""
