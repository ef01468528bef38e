"""What a driver is given and what it gives back. docs/adding-a-driver.md walks through it."""

import contextlib
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

KIB = 1024
MIB = 1024 * KIB


@dataclass(frozen=True, slots=True)
class Limits:
    """What one attempt may use. All in bytes."""

    output_bytes: int = 4 * MIB
    log_bytes: int = 64 * KIB
    memory_bytes: int = 128 * MIB


@dataclass(frozen=True, slots=True)
class Bundle:
    """The function's own files, as deployed.

    ``key`` names the files by what they hold, so that caches are keyed by it: bundles of the same files have the same
    one, whatever their version. ``root`` is the step's folder (its ``path``), relative to the bundle, ``""`` for the
    function's folder itself.
    """

    key: str
    files: Mapping[str, bytes]
    root: str = ""


@dataclass(frozen=True, slots=True)
class Call:
    """One attempt of one step."""

    runtime: Mapping[str, Any]
    payload: bytes
    """The step's input: one JSON object in UTF-8, opaque to most drivers."""
    run_id: str
    step_id: str
    attempt: int = 0
    """Counts from 0, as in the payload's ``ctx``."""
    timeout: float = 900.0
    """Seconds of wall time."""
    limits: Limits = field(default_factory=Limits)
    bundle: Bundle | None = None
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    """The step's environment variables; some hold secrets."""
    owner: str = ""
    """The id of the environment that the run belongs to: it tells what this server's calls leave outside it (a
    container) from another server's."""


@dataclass(frozen=True, slots=True)
class StepError:
    """Why an attempt failed, in words fit for a Postgres ``text`` column (no NUL, no lone surrogate, capped)."""

    name: str
    message: str
    stack: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a call. Made by the functions of ``drivers.answers``."""

    ok: bool
    output: str | None = None
    """Valid JSON text; with a failure, the body worth keeping, if there was one."""
    error: StepError | None = None
    retryable: bool = True
    """Whether another attempt may help. Means nothing when ``ok``."""
    retry_after: float | None = None
    """Seconds that the other side asked us to wait before the next attempt."""
    log: str = ""
    opcodes: str | None = None
    """When ``ok``: JSON text of the opcodes with which an SDK's function answered instead of returning."""
    request_version: int | None = None
    """The version of the protocol in which an SDK answered."""
    unavailable: bool = False
    """When not ``ok``: what runs such steps is away (the container engine), and the step never had its try. It waits
    and is tried again, and no attempt is used up."""
    env: Mapping[str, str] | None = field(default=None, repr=False)
    """The variables that the step really ran with, where they may be others than the call's: what runs outside this
    process may have been begun by a worker before, with secrets that were changed since. What the step gives back is
    redacted of both."""
    kept: Callable[[], None] | None = None
    """Takes away what was kept so that, were this worker killed now, another would find the attempt's result. Called
    from any thread once the outcome is recorded, or nobody wants it; never raises, and twice does no harm."""


AbortReason = Literal["handover", "cancel"]


class Abort:
    """A stop signal for one call, set from another thread.

    ``reason`` says why: ``handover`` (a shutdown, a lost lease) means that another worker goes on with the attempt, so
    what it can find again is left running; ``cancel`` (the run has ended) that nobody will.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._set = False
        self.reason: AbortReason | None = None
        self._callbacks: list[Callable[[], None]] = []

    def is_set(self) -> bool:
        return self._set

    def set(self, reason: AbortReason = "handover") -> None:
        """Stop the call. Runs the callbacks in this thread, once; never raises. The first reason stands."""
        with self._lock:
            if self._set:
                return
            self._set = True
            self.reason = reason
            callbacks, self._callbacks = self._callbacks, []
        for callback in callbacks:
            _run(callback)

    def on_set(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Run ``callback`` when set (now, if it is already). Returns what takes it off again."""
        with self._lock:
            if not self._set:
                self._callbacks.append(callback)
                return lambda: self._forget(callback)
        _run(callback)
        return _nothing

    def _forget(self, callback: Callable[[], None]) -> None:
        with self._lock, contextlib.suppress(ValueError):
            self._callbacks.remove(callback)


class Driver(Protocol):
    """Runs steps of one runtime. One instance serves every thread of a process."""

    queue: str
    """The Celery queue whose workers run it."""

    def run(self, call: Call, abort: Abort) -> Outcome:
        """Run one attempt to its end. Never raises for anything that the step's code or its server does."""
        ...

    def close(self) -> None:
        """Give back connections and memory. Called once, when no call is running."""
        ...


def _run(callback: Callable[[], None]) -> None:
    # Whoever sets the signal has other calls to stop: a callback's fault must not keep it from them.
    with contextlib.suppress(Exception):
        callback()


def _nothing() -> None:
    return None
