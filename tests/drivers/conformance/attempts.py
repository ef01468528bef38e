"""Attempts as the executor makes them: each by a name of its own, and what was kept of it let go at the end."""

import dataclasses
import itertools
import threading
import time
import uuid
from collections.abc import Callable

from drivers.contract import Abort, AbortReason, Call, Outcome
from tests.drivers.subjects.subject import Subject

_SESSION = uuid.uuid4().hex[:12]
_numbers = itertools.count()


def next_attempt(call: Call) -> Call:
    """The same call in a run of its own, so that no driver takes it for one that it has seen."""
    return dataclasses.replace(call, run_id=f"{_SESSION}-{next(_numbers)}")


def attempt(subject: Subject, call: Call, abort: Abort | None = None) -> Outcome:
    """Run it once, as a new run's first attempt, and let go of what the driver kept."""
    outcome = subject.driver.run(next_attempt(call), abort or Abort())
    if outcome.kept is not None:
        outcome.kept()
    return outcome


class Running:
    """An attempt in a thread of its own. `wait` gives its outcome."""

    def __init__(self, subject: Subject, call: Call) -> None:
        self._abort = Abort()
        self._outcomes: list[Outcome] = []
        self._thread = threading.Thread(target=self._run, args=(subject, call))
        self._thread.start()

    def _run(self, subject: Subject, call: Call) -> None:
        self._outcomes.append(attempt(subject, call, self._abort))

    def lasts(self, seconds: float) -> bool:
        """Whether it still runs after so long."""
        self._thread.join(seconds)
        return self._thread.is_alive()

    def stop(self, reason: AbortReason) -> None:
        self._abort.set(reason)

    def wait(self, seconds: float = 20.0) -> Outcome:
        self._thread.join(seconds)
        assert not self._thread.is_alive(), f"it still runs after {seconds:g} s"
        return self._outcomes[0]


def side_by_side(work: Callable[[int], None], count: int) -> None:
    """Run `work(0)` to `work(count - 1)`, each in a thread, all at once. An exception in one fails the test."""
    faults: list[BaseException] = []
    begin = threading.Barrier(count)

    def guarded(number: int) -> None:
        try:
            begin.wait(60)
            work(number)
        except BaseException as fault:
            faults.append(fault)

    threads = [threading.Thread(target=guarded, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if faults:
        raise faults[0]


def seconds_of(work: Callable[[], object]) -> float:
    started = time.monotonic()
    work()
    return time.monotonic() - started
