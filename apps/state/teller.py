"""Hands on what happened: to the development server, where one listens, else to the log.

It costs whoever tells no more than putting records into a queue: a thread of its own writes them. What it cannot get
rid of it drops, and says how much.
"""

import atexit
import json
import logging
import socket
import threading
import time
from collections import Counter
from collections.abc import Sequence
from queue import SimpleQueue

import msgspec
from django.conf import settings

from apps.state.log_fields import fields_of
from apps.state.told import Folded, Told, encode, kind_of

log = logging.getLogger("inngest.runs")

_QUEUE_MAX = 10_000
_QUEUE_MAX_BYTES = 16 * 1024 * 1024
_CONNECT_SECONDS = 1.0
_LAST_WORDS_SECONDS = 0.5


def is_on() -> bool:
    """Whether anybody wants to know what runs and steps do."""
    return bool(settings.LOG_RUNS)


def is_watched() -> bool:
    """Whether a person looks on: then it may cost a query to tell of payloads and names."""
    return bool(settings.LOG_RUNS and settings.DEV_SOCKET)


def tell(told: Sequence[Told]) -> None:
    """Hand on what has happened, once it is committed. Never raises and never waits."""
    if not told:
        return
    try:
        _tell(told, time.time())
    except Exception:  # the work itself is done, and must be rung for
        log.exception("what happened cannot be told")


def _tell(told: Sequence[Told], now: float) -> None:
    for one in told:
        one.at = now
    if settings.DEV_SOCKET:
        _teller(settings.DEV_SOCKET).tell(told, now)
        return
    for one in told:
        level = logging.WARNING if one.is_loud else logging.INFO
        log.log(level, kind_of(one), extra=fields_of(one))


class Teller:
    """Writes records to the development server's socket, one line of JSON each.

    In a second it hands on `most` records, and all that are loud besides; the others are counted, and so is what comes
    while too much waits to be written.
    """

    def __init__(self, path: str, most: int) -> None:
        self._path = path
        self._most = most
        self._queue: SimpleQueue[bytes | None] = SimpleQueue()
        self._queued_bytes = 0
        self._lock = threading.Lock()
        self._second = 0
        self._told = 0
        self._folded: Counter[str] = Counter()
        self._socket: socket.socket | None = None
        self._try_again_at = 0.0
        self._thread = threading.Thread(target=self._write, name="teller", daemon=True)
        self._thread.start()
        atexit.register(self.close)

    def tell(self, told: Sequence[Told], now: float) -> None:
        """Queue records, in their order."""
        with self._lock:
            if int(now) != self._second:
                self._second, self._told = int(now), 0
            lines: list[bytes] = []
            left = _QUEUE_MAX_BYTES - self._queued_bytes if self._queue.qsize() < _QUEUE_MAX else 0
            for one in told:
                if left <= 0 or (self._told >= self._most and not one.is_loud):
                    self._folded[kind_of(one)] += 1
                    continue
                self._told += not one.is_loud
                lines.append(_line(one))
                left -= len(lines[-1])
            if lines:
                whole = b"".join(lines)
                self._queued_bytes += len(whole)
                self._queue.put(whole)
            elif self._queue.empty():
                self._queue.put(b"")  # so that what was counted is told in time

    def close(self) -> None:
        """Hand on what is left, for a moment; nothing is told after it."""
        atexit.unregister(self.close)
        self._queue.put(None)
        self._thread.join(_LAST_WORDS_SECONDS)

    def _write(self) -> None:
        while (lines := self._queue.get()) is not None:
            self._send(lines + self._counted())
            with self._lock:
                self._queued_bytes -= len(lines)
        self._hang_up()

    def _counted(self) -> bytes:
        with self._lock:
            if not self._folded:
                return b""
            folded = Folded(at=time.time(), counts=dict(self._folded))
            self._folded.clear()
        return encode(folded) + b"\n"

    def _send(self, lines: bytes) -> None:
        try:
            if self._socket is None:
                if time.monotonic() < self._try_again_at:
                    return
                self._socket = socket.socket(socket.AF_UNIX)
                self._socket.connect(self._path)
            self._socket.sendall(lines)
        except OSError:
            # Nobody listens any more: the development server ends, or was killed.
            self._hang_up()
            self._try_again_at = time.monotonic() + _CONNECT_SECONDS

    def _hang_up(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None


def _line(one: Told) -> bytes:
    try:
        return encode(one) + b"\n"
    except UnicodeEncodeError:  # a lone surrogate
        return json.dumps(msgspec.to_builtins(one), ensure_ascii=False).encode(errors="replace") + b"\n"


_tellers: dict[str, Teller] = {}
"""By the sockets to which they write."""
_guard = threading.Lock()


def stop_telling() -> None:
    """Hand on what is left, and hang up."""
    with _guard:
        tellers = list(_tellers.values())
        _tellers.clear()
    for teller in tellers:
        teller.close()


def _teller(path: str) -> Teller:
    with _guard:
        if path not in _tellers:
            _tellers[path] = Teller(path, settings.DEV_TOLD_MAX)
        return _tellers[path]
