"""One script, compiled as in a step's sandbox but not run: what it imports, or what is wrong with it."""

import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple, TypeVar

import wasmtime

from drivers.contract import Abort
from drivers.cutoff import Cutoff
from drivers.quickjs_abi import GuestFault
from drivers.quickjs_guest import GuestError, Machine, NoHost, Sandbox
from drivers.type_stripping import TypeStripper

MEMORY_BYTES = 256 * 1024 * 1024
MAX_IMPORTS = 1_000
"""Of one file; more are not looked at."""

_AT_ONCE = 2
_SHORTEST = 0.25  # seconds: a cut must not come before there is what it cuts
_PLACE = re.compile(r":(\d{1,7}):\d{1,7}\)?$", re.MULTILINE)
T = TypeVar("T")


class TooLong(Exception):
    """The time for checking is over."""


class Compiled(NamedTuple):
    """What compiling tells: a problem, or the specifiers of static imports in their order."""

    problem: str | None
    line: int | None
    """Of the problem, in the JavaScript."""
    imports: tuple[str, ...]


class Workshop:
    """What one thread at a time needs for checking. Every source gets a sandbox of its own."""

    def __init__(self) -> None:
        self._machine = Machine()
        self._stripper = TypeStripper(self._machine.engine)
        self._deadline = 0.0

    def begin(self, deadline: float) -> None:
        """It is of the monotonic clock."""
        self._deadline = deadline

    def ask(self) -> None:
        """Raises TooLong if the time is over."""
        if time.monotonic() >= self._deadline:
            raise TooLong

    def strip(self, path: str, source: str) -> str:
        """Raises ModuleFault with the parser's problems, TooLong."""
        return self._within_time(lambda: self._stripper.strip(path, source))

    def compile(self, path: str, javascript: str) -> Compiled:
        """Raises TooLong."""
        return self._within_time(lambda: self._compile(path, javascript))

    def _compile(self, path: str, javascript: str) -> Compiled:
        if "\0" in javascript:
            # The engine would take it for the end. Then what follows is never run, and ours, which follows, not either.
            return Compiled("has a NUL character", javascript.count("\n", 0, javascript.index("\0")) + 1, ())
        host = _Host()
        sandbox = Sandbox(self._machine, host, MEMORY_BYTES)
        try:
            # All imports are asked for before anything runs, and the last one is never found.
            error = sandbox.load_module(path, javascript + f"\nimport {_STOP!r};")
        except wasmtime.Trap as trap:
            if trap.trap_code == wasmtime.TrapCode.INTERRUPT:
                raise
            return Compiled("cannot be read: its code is nested too deep", None, ())
        except (wasmtime.WasmtimeError, GuestError, GuestFault):
            return Compiled("cannot be read: it is too large", None, ())
        finally:
            sandbox.close()
        if host.asked:
            return Compiled(None, None, tuple(name for name in dict.fromkeys(host.asked) if name != _STOP))
        message, stack = error
        place = _PLACE.search(stack)
        last = javascript.count("\n") + 1  # what is ours is on a line of its own
        return Compiled(message or "cannot be read", min(int(place[1]), last) if place else None, ())

    def _within_time(self, work: Callable[[], T]) -> T:
        self.ask()
        left = self._deadline - time.monotonic()
        with Cutoff(max(left, _SHORTEST), Abort()) as cutoff:
            cutoff.stops(self._machine.interrupt)
            try:
                return work()
            except wasmtime.Trap:
                raise TooLong from None


_STOP = "\x01"
"""What no file is called."""


class _Host(NoHost):
    """Gives an empty module for every import, and notes what was asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def resolve(self, base: str, specifier: str) -> str | None:
        self.asked.append(specifier)
        return None if specifier == _STOP or len(self.asked) > MAX_IMPORTS else f"import {len(self.asked)}"

    def source(self, name: str) -> str | None:
        return " "


_idle: list[Workshop] = []
_lock = threading.Lock()
_turns = threading.BoundedSemaphore(_AT_ONCE)


@contextmanager
def workshop(seconds: float, deadline: float) -> Iterator[Workshop]:
    """One for the caller alone, for so long; waiting for its turn does not count, but for the deadline.

    Raises TooLong if that passes first.
    """
    if not _turns.acquire(timeout=min(max(0.0, deadline - time.monotonic()), threading.TIMEOUT_MAX)):
        raise TooLong
    try:
        with _lock:
            found = _idle.pop() if _idle else None
        found = found or Workshop()
        found.begin(min(time.monotonic() + seconds, deadline))
        try:
            yield found
        finally:
            with _lock:
                _idle.append(found)
    finally:
        _turns.release()
