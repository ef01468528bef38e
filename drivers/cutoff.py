"""End a call at its deadline or when it is aborted, whatever it is blocked in.

Timeouts of sockets and interpreters alone do not do: a server that drips a byte a second never trips a read
timeout. One thread a process watches all calls, and each costs it nothing unless its deadline passes.
"""

import math
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Literal, Self

from drivers.contract import Abort

Reason = Literal["timeout", "abort"]


class Cutoff:
    """A context around one call. ``reason`` says, after a failure, whether it was us who ended it."""

    def __init__(self, seconds: float, abort: Abort) -> None:
        self.reason: Reason | None = None
        self.deadline = time.monotonic() + seconds
        self._abort = abort
        self._lock = threading.Lock()
        self._stop: Callable[[], None] | None = None
        self._over = False

    def __enter__(self) -> Self:
        _watch.add(self)
        self._forget_abort = self._abort.on_set(self._on_abort)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        # Under the lock: what `stop` ends may belong to another call from here on.
        with self._lock:
            self._over = True
            self._stop = None
        _watch.remove(self)
        self._forget_abort()

    def stops(self, stop: Callable[[], None]) -> None:
        """From now on ``stop``, from another thread, is what ends the call; at once if it was cut before."""
        with self._lock:
            self._stop = stop
            if self.reason is not None:
                stop()

    def release(self) -> bool:
        """What ``stops`` named is no longer this call's. False if it has been stopped already."""
        with self._lock:
            self._stop = None
            return self.reason is None

    def cut(self, reason: Reason) -> None:
        with self._lock:
            if self._over or self.reason is not None:
                return
            self.reason = reason
            if self._stop is not None:
                self._stop()

    def _on_abort(self) -> None:
        self.cut("abort")


class _Watch:
    def __init__(self) -> None:
        self._condition = threading.Condition(threading.Lock())
        self._calls: dict[Cutoff, float] = {}
        self._wakes_at = math.inf
        self._thread: threading.Thread | None = None

    def add(self, cutoff: Cutoff) -> None:
        with self._condition:
            self._calls[cutoff] = cutoff.deadline
            # Calls mostly share a timeout, so a new one ends last and the thread sleeps on.
            if cutoff.deadline < self._wakes_at:
                self._wakes_at = cutoff.deadline
                self._condition.notify()
            if self._thread is None or not self._thread.is_alive():  # not alive: we are a fork's child
                self._thread = threading.Thread(target=self._run, name="driver-deadlines", daemon=True)
                self._thread.start()

    def remove(self, cutoff: Cutoff) -> None:
        with self._condition:
            self._calls.pop(cutoff, None)

    def _run(self) -> None:
        while True:
            with self._condition:
                now = time.monotonic()
                due = [call for call, deadline in self._calls.items() if deadline <= now]
                for call in due:
                    del self._calls[call]
                self._wakes_at = min(self._calls.values(), default=math.inf)
                if not due:
                    self._condition.wait(min(self._wakes_at - now, threading.TIMEOUT_MAX))
            for call in due:
                call.cut("timeout")


_watch = _Watch()
