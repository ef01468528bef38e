"""The live print: what the processes tell is put in order, folded where it is too much to read, and printed."""

import threading
import time
from collections import Counter
from sys import getsizeof
from typing import NamedTuple

import msgspec

from apps.devserver.cells import cut
from apps.devserver.colours import DIM, RED, Paint
from apps.devserver.durations import clock
from apps.devserver.flood import Flood
from apps.devserver.output import Log
from apps.devserver.showing import Renderer
from apps.state.told import Folded, StepTried, Told, kind_of

_HOLD_SECONDS = 0.04
"""So long a record waits for earlier ones of other processes."""
_MANY = 200
_HOLD_MANY_SECONDS = 0.1
"""And so long where that many wait: busy processes tell later."""
_WAITING_MAX = 20_000
"""Records that wait to be printed; beyond it (the terminal is held, say) they are counted."""
_WAITING_MAX_BYTES = 16 * 1024 * 1024
_WINDOW_SECONDS = 1.0


class _Arrived(NamedTuple):
    at: float
    number: int
    came: float
    size: int
    told: Told


class Live:
    """Prints `lines_max` lines in a second, as many of errors, and how much more there was."""

    def __init__(self, log: Log, lines_max: int) -> None:
        self._log = log
        self._flood = Flood(lines_max)
        self._renderer = Renderer(coloured=log.coloured)
        self._paint = Paint(log.coloured)
        self._waiting: list[_Arrived] = []
        self._waiting_bytes = 0
        self._number = 0
        self._folded: Counter[str] = Counter()
        self._window = 0.0
        self._changed = threading.Condition()
        self._ends = False
        self._thread = threading.Thread(target=self._run, name="live print", daemon=True)
        self._thread.start()

    def add(self, told: list[Told]) -> None:
        """What has happened, from any thread."""
        now = time.monotonic()
        with self._changed:
            for one in told:
                if isinstance(one, Folded):
                    self._folded.update(one.counts)
                elif len(self._waiting) >= _WAITING_MAX or self._waiting_bytes >= _WAITING_MAX_BYTES:
                    self._folded[kind_of(one)] += 1
                else:
                    self._number += 1
                    arrived = _Arrived(one.at, self._number, now, _size(one), one)
                    self._waiting.append(arrived)
                    self._waiting_bytes += arrived.size
            self._changed.notify()

    def close(self) -> None:
        """Print what is left."""
        with self._changed:
            self._ends = True
            self._changed.notify()
        self._thread.join(2.0)

    def _run(self) -> None:
        while not self._ends:
            with self._changed:
                while not (self._waiting or self._folded or self._flood.has_more or self._ends):
                    self._changed.wait()
            hold = _HOLD_SECONDS if len(self._waiting) < _MANY else _HOLD_MANY_SECONDS
            time.sleep(hold)
            self._print(time.monotonic() - hold)
        self._print(float("inf"))

    def _print(self, before: float) -> None:
        """Print what came before a moment, in the order in which it happened."""
        with self._changed:
            ready = sorted(one for one in self._waiting if one.came <= before)
            self._waiting = [one for one in self._waiting if one.came > before]
            folded, self._folded = self._folded, Counter()
        now = time.monotonic()
        lines: list[str] = []
        width = self._log.width()
        self._flood.count(folded)
        if now - self._window >= _WINDOW_SECONDS:
            lines += self._end_of_second(width)
            self._window = now
        for one in ready:
            lines += self._lines(one.told, width)
        if before == float("inf"):
            lines += self._end_of_second(width)
        if lines:
            self._log.block("\n".join(lines))
        with self._changed:
            self._waiting_bytes -= sum(one.size for one in ready)

    def _lines(self, told: Told, width: int) -> list[str]:
        try:
            self._renderer.learn(told)
            if not self._flood.takes(told):
                return []
            lines = self._renderer.lines(told, width)
        except Exception as error:  # one record is no reason to show none any more
            text = f"{clock(time.time())}  …  {kind_of(told)} cannot be shown: {type(error).__name__}: {error}"
            lines = [self._paint(cut(text, width), RED)]
        self._flood.shown(told, len(lines))
        return lines

    def _end_of_second(self, width: int) -> list[str]:
        return [self._paint(cut(f"{clock(time.time())}  …  {said}", width), DIM) for said in self._flood.end()]


def _size(told: Told) -> int:
    """What it takes in memory, about, in bytes."""
    size = 200 + sum(map(getsizeof, msgspec.structs.astuple(told)))
    if isinstance(told, StepTried) and told.error:
        size += sum(map(getsizeof, msgspec.structs.astuple(told.error)))
    return size
