"""The threads on which a drain's steps run, one a slot."""

import threading
from collections.abc import Callable
from queue import SimpleQueue


class Slots:
    """So many threads at most, started when first needed.

    Not a ThreadPoolExecutor: what a step comes to goes back through the drain's own inbox, so a Future for each step,
    with its lock and its wake-ups, would be half of what starting a step costs. And these threads end with the process:
    a call that cannot be stopped (a name being looked up) does not keep a stopping worker.
    """

    def __init__(self, count: int, name: str) -> None:
        self.count = count
        self._name = name
        self._threads = 0
        self._work: SimpleQueue[Callable[[], None]] = SimpleQueue()

    def run(self, work: Callable[[], None], busy: int) -> None:
        """Have a thread do `work`, which must not raise; with it, `busy` slots are in use. One caller at a time."""
        if self._threads < min(busy, self.count):
            self._threads += 1
            threading.Thread(target=self._serve, name=f"{self._name}-{self._threads}", daemon=True).start()
        self._work.put(work)

    def _serve(self) -> None:
        while True:
            self._work.get()()
