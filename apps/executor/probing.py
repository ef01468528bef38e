"""How much a drain claims while what runs its steps is away (the Docker engine): little, whatever the backlog."""

import math
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
        self._since = -math.inf
        """When the last probe began, or was refused."""
        self._pause = 0.0

    def most(self, free: int, least_pause: float | None = None) -> int:
        """How many of the free slots may be filled now. With `least_pause` (seconds) it is known without a probe that
        what runs the steps is away, and there is so much between two of them: other workers may be well, and what this
        one takes waits until it is due again."""
        if not self._is_away and least_pause is None:
            return free
        pause = max(self._pause, least_pause or 0.0)
        return min(free, 1) if time.monotonic() >= self._since + pause else 0

    def begin(self) -> None:
        """Something has been claimed."""
        self._since = time.monotonic()
        self._pause = PROBE_SECONDS if self._is_away else 0.0

    def learn(self, outcomes: Iterable[Outcome]) -> None:
        """What calls that were made have come to."""
        refused = [outcome.unavailable for outcome in outcomes]
        if not refused:
            return
        self._is_away = all(refused)
        self._pause = 0.0
        if self._is_away:
            self._since, self._pause = time.monotonic(), PAUSE_SECONDS
