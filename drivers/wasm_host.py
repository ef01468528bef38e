"""What a module finds around it besides wasmtime's own WASI: its standard streams, its sleep and its end.

wasmtime's WASI sleeps and writes on threads of its own, where neither a deadline nor an abort reaches it, cuts what is
written into pages, and takes exit codes above 125 for a fault. So these four functions are ours; arguments,
environment, clocks and randomness are the library's, as are the functions for files, which find none.

Nothing here may raise: wasmtime's Python side keeps an import's exception in one place for all threads. What ends the
module moves the epoch, and it traps at its next loop or call.
"""

import ctypes
import re
import struct
import threading
import time
from collections.abc import Callable
from itertools import zip_longest

import wasmtime

from drivers.contract import Limits
from drivers.stdout import lines_of
from drivers.step_log import StepLog

_OK, _BAD_FD, _FAULT, _INVALID, _IO = 0, 8, 21, 28, 29
_MOST_VECTORS = 1024
_MOST_AT_ONCE = 1024 * 1024
"""Bytes of one call. Programs go on with what was left."""
_MOST_SUBSCRIPTIONS = 1024
_CLOCK = 0
_REALTIME, _MONOTONIC = 0, 1
_TAIL = 2_000
_NO_MEMORY = re.compile(r"out ?of ?memory|memory allocation of \d+ bytes failed|cannot allocate memory", re.IGNORECASE)
"""What programs of Go, Zig, Rust and C say when `memory.grow` was refused."""
_SUBSCRIPTION = struct.Struct("<QB7xI4xQQH6x")  # userdata, tag, clock or fd, timeout, precision, flags
_EVENT = struct.Struct("<QHB5xQH6x")  # userdata, errno, type, bytes there, flags


class Host:
    """The surroundings of one call."""

    def __init__(self, payload: bytes, limits: Limits, interrupt: Callable[[], None]) -> None:
        self._interrupt = interrupt
        self._stdin = memoryview(payload)
        self._stdout = bytearray()
        self._stdout_room = limits.output_bytes + limits.log_bytes
        self._log_bytes = limits.log_bytes
        self._stderr = bytearray()
        self._stderr_end = b""
        self._lines_before: list[int] = []
        """For each line of standard error, how many of standard output came before its end."""
        self._stdout_lines = 0
        self._woken = threading.Event()
        self._memory: wasmtime.Memory | None = None
        self._began = 0
        self.exit_code: int | None = None
        self.flooded = False
        self.slept_short = False
        """Whether it was woken before its time: what it did after that was not what it is written for."""

    def begin(self) -> None:
        """The module's monotonic clock starts here."""
        self._began = time.monotonic_ns()

    def wake(self) -> None:
        """End its sleep. Called from any thread."""
        self._woken.set()

    @property
    def stdout(self) -> bytes:
        return bytes(self._stdout)

    @property
    def last_words(self) -> list[str]:
        """The end of standard error, in whole lines: what a program says when it gives up."""
        lines = self._stderr_end.decode(errors="replace").splitlines()
        if len(self._stderr_end) == _TAIL:
            del lines[:1]  # only its end is there, which may be that of a secret: nobody would know it
        return [line for line in lines if line.strip()]

    @property
    def short_of_memory(self) -> bool:
        """Whether it said so: at the end, or where a runtime began to tell all its stacks."""
        said = (bytes(self._stderr[:_TAIL]) + b"\n" + self._stderr_end).decode(errors="replace")
        return _NO_MEMORY.search(said) is not None

    def log(self, lines: list[str]) -> str:
        """These lines of standard output, among those of standard error as they came."""
        log, taken = StepLog(self._log_bytes), 0
        said = lines_of(bytes(self._stderr))
        for line, before in zip_longest(said, self._lines_before[: len(said)], fillvalue=self._stdout_lines):
            for earlier in lines[taken:before]:
                log.add(earlier)
            taken = max(taken, before)
            log.add(str(line))
        for later in lines[taken:]:
            log.add(later)
        return log.text()

    def fd_write(self, caller: wasmtime.Caller, fd: int, vectors: int, count: int, written_at: int) -> int:
        if self.exit_code is not None or self.flooded:
            return _IO
        if fd not in (1, 2):
            return _BAD_FD
        written = 0
        try:
            for at, length in self._vectors(caller, vectors, count):
                taken = min(length, _MOST_AT_ONCE - written)
                data = self._read(caller, at, taken)
                if not (self._to_stdout(data) if fd == 1 else self._to_stderr(data)):
                    return _IO
                written += taken
                if written == _MOST_AT_ONCE:
                    break
            self._write(caller, written_at, written.to_bytes(4, "little"))
        except _OutOfBounds:
            return _FAULT
        return _OK

    def fd_read(self, caller: wasmtime.Caller, fd: int, vectors: int, count: int, read_at: int) -> int:
        if fd != 0:
            return _BAD_FD
        done = 0
        try:
            for at, length in self._vectors(caller, vectors, count):
                data = self._stdin[:length]
                self._write(caller, at, data)
                self._stdin = self._stdin[len(data) :]
                done += len(data)
            self._write(caller, read_at, done.to_bytes(4, "little"))
        except _OutOfBounds:
            return _FAULT
        return _OK

    def proc_exit(self, code: int) -> None:
        if self.exit_code is None:
            self.exit_code = code & 0xFFFFFFFF
        self._interrupt()

    def poll_oneoff(self, caller: wasmtime.Caller, asked: int, events_at: int, count: int, number_at: int) -> int:
        """Wait until one of what is asked for has happened. Streams are always ready, so a wait is for clocks."""
        count &= 0xFFFFFFFF
        if not 0 < count <= _MOST_SUBSCRIPTIONS:
            return _INVALID
        try:
            asked_for = list(_SUBSCRIPTION.iter_unpack(self._read(caller, asked, count * _SUBSCRIPTION.size)))
            # For clocks how long until then, for streams nothing.
            waits = [self._left(one[2], one[3], one[5]) if one[1] == _CLOCK else 0 for one in asked_for]
            soonest = min(waits)
            if soonest > 0 and self._woken.wait(min(soonest / 1e9, threading.TIMEOUT_MAX)):
                self.slept_short = True
            events = [
                _EVENT.pack(*self._event(one))
                for one, wait in zip(asked_for, waits, strict=True)
                if wait <= max(soonest, 0)
            ]
            self._write(caller, events_at, b"".join(events))
            self._write(caller, number_at, len(events).to_bytes(4, "little"))
        except _OutOfBounds:
            return _FAULT
        return _OK

    def _left(self, clock: int, timeout: int, flags: int) -> int:
        """Nanoseconds until then; nothing for a clock that there is not."""
        if clock not in (_REALTIME, _MONOTONIC):
            return 0
        if not flags & 1:  # from now on
            return timeout
        return timeout - (time.time_ns() if clock == _REALTIME else time.monotonic_ns() - self._began)

    def _event(self, one: tuple[int, ...]) -> tuple[int, ...]:
        userdata, tag, subject, *_ = one
        if tag == _CLOCK:
            return userdata, _OK if subject in (_REALTIME, _MONOTONIC) else _INVALID, tag, 0, 0
        if subject > 2:
            return userdata, _BAD_FD, tag, 0, 0
        return userdata, _OK, tag, len(self._stdin) if subject == 0 else _MOST_AT_ONCE, 0

    def _to_stdout(self, data: bytes) -> bool:
        room = self._stdout_room - len(self._stdout)
        if len(data) <= room:
            self._stdout += data
            self._stdout_lines += data.count(b"\n")
            return True
        self.flooded = True
        self._interrupt()
        return False

    def _to_stderr(self, data: bytes) -> bool:
        room = self._log_bytes + 1 - len(self._stderr)  # one more than is kept: so it shows that it was cut
        if room > 0:
            self._stderr += data[:room]
            self._lines_before += [self._stdout_lines] * data[:room].count(b"\n")
        self._stderr_end = (self._stderr_end + data[-_TAIL:])[-_TAIL:]
        return True

    def _vectors(self, caller: wasmtime.Caller, at: int, count: int) -> list[tuple[int, int]]:
        count = min(count & 0xFFFFFFFF, _MOST_VECTORS)
        return list(struct.iter_unpack("<II", self._read(caller, at, count * 8)))

    def _read(self, caller: wasmtime.Caller, at: int, length: int) -> bytes:
        return ctypes.string_at(self._address(caller, at, length), length)

    def _write(self, caller: wasmtime.Caller, at: int, data: bytes | memoryview) -> None:
        ctypes.memmove(self._address(caller, at, len(data)), bytes(data), len(data))

    def _address(self, caller: wasmtime.Caller, at: int, length: int) -> int:
        if length == 0:  # a memory may have no byte at all
            return 0
        memory = self._memory
        if memory is None:
            found = caller.get("memory")
            if not isinstance(found, wasmtime.Memory):
                raise _OutOfBounds
            memory = self._memory = found
        at &= 0xFFFFFFFF  # numbers of WebAssembly come with a sign
        if at + length > memory.data_len(caller):
            raise _OutOfBounds
        return ctypes.addressof(memory.data_ptr(caller).contents) + at


class _OutOfBounds(Exception):
    """An address outside the module's memory."""
