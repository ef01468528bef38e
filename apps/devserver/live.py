"""The live print: what the processes tell is put in order, folded where it is too much to read, and printed."""

import threading
import time
from collections import Counter
from typing import NamedTuple

from apps.devserver.colours import DIM, Paint
from apps.devserver.durations import clock
from apps.devserver.output import Log
from apps.devserver.showing import Renderer
from apps.state.told import Folded, Told, kind_of

_HOLD_SECONDS = 0.04
"""So long a record waits for earlier ones of other processes."""
_WAITING_MAX = 20_000
"""Records that wait to be printed; beyond it (the terminal is held, say) they are counted."""
_IN_WORDS = {"event.received": "events", "run.started": "runs started", "step.completed": "steps completed"}


class _Arrived(NamedTuple):
    at: float
    number: int
    came: float
    told: Told


class Live:
    """Prints `lines_max` records in a second and all that are loud; of the others it says how many there were."""

    def __init__(self, log: Log, lines_max: int) -> None:
        self._log = log
        self._most = lines_max
        self._renderer = Renderer(coloured=log.coloured)
        self._paint = Paint(log.coloured)
        self._waiting: list[_Arrived] = []
        self._number = 0
        self._folded: Counter[str] = Counter()
        self._window = 0.0
        self._shown = 0
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
                elif len(self._waiting) >= _WAITING_MAX:
                    self._folded[kind_of(one)] += 1
                else:
                    self._number += 1
                    self._waiting.append(_Arrived(one.at, self._number, now, one))
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
                while not (self._waiting or self._folded or self._ends):
                    self._changed.wait()
            time.sleep(_HOLD_SECONDS)
            self._print(time.monotonic() - _HOLD_SECONDS)
        self._print(float("inf"))

    def _print(self, before: float) -> None:
        """Print what came before a moment, in the order in which it happened."""
        with self._changed:
            ready = sorted(one for one in self._waiting if one.came <= before)
            self._waiting = [one for one in self._waiting if one.came > before]
        now = time.monotonic()
        lines: list[str] = []
        if now - self._window >= 1.0 or before == float("inf"):
            lines += self._fold_line()
            self._window, self._shown = now, 0
        width = self._log.width()
        for one in ready:
            if one.told.is_loud or self._shown < self._most:
                self._shown += 1
                lines += self._renderer.lines(one.told, width)
            else:
                with self._changed:
                    self._folded[kind_of(one.told)] += 1
        if lines:
            self._log.block("\n".join(lines))

    def _fold_line(self) -> list[str]:
        with self._changed:
            folded, self._folded = self._folded, Counter()
        count = folded.total()
        if not count:
            return []
        kinds = ", ".join(f"{number:,} {_in_words(kind)}" for kind, number in folded.most_common(4))
        return [self._paint(f"{clock(time.time())}  …  {count:,} more in the last second: {kinds}", DIM)]


def _in_words(kind: str) -> str:
    what, _, did = kind.partition(".")
    return _IN_WORDS.get(kind, f"{what}s {did.replace('_', ' ')}")
