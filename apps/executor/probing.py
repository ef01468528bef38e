"""How much a drain claims while what runs its steps is away (the Docker engine): little, whatever the backlog."""

import time
from collections.abc import Iterable

from drivers.contract import Outcome

PAUSE_SECONDS = 0.5
"""Between a step that was refused and the next: a claim, a load and a record in that time, however much is ready."""
PROBE_SECONDS = 5.0
"""A probe that runs for so long seems well, and the next one may join it."""


class Probing:
    """Once a step was refused, one at a time finds out whether the next one is, too. Used by the drain's thread."""

    def __init__(self) -> None:
        self._is_away = False
        self._next_at = 0.0

    def most(self, free: int) -> int:
        """How many of the free slots may be filled now."""
        if not self._is_away:
            return free
        return min(free, 1) if time.monotonic() >= self._next_at else 0

    def begin(self) -> None:
        """Something has been claimed."""
        if self._is_away:
            self._next_at = time.monotonic() + PROBE_SECONDS

    def learn(self, outcomes: Iterable[Outcome]) -> None:
        """What calls that were made have come to."""
        refused = [outcome.unavailable for outcome in outcomes]
        if not refused:
            return
        self._is_away = all(refused)
        if self._is_away:
            self._next_at = time.monotonic() + PAUSE_SECONDS
