"""How long a failed step waits for its next attempt."""

import random

from django.conf import settings

DELAYS = (15, 30, 60, 120, 300, 600, 1_200, 2_400, 3_600, 7_200)
"""Seconds after the first, second, … failed attempt; the last one holds from there on."""
JITTER = 30
"""At most so many seconds more, so that what failed together does not come back together."""


def delay_after(attempt: int, asked_for: float | None = None) -> float:
    """Seconds from the failure of this attempt (counted from 1) to the next.

    What the other side asked for (`Retry-After`) stands as it is; the setting RETRY_SCALE scales the rest.
    """
    if asked_for is not None:
        return asked_for
    scale: float = settings.RETRY_SCALE
    jitter = random.uniform(0, JITTER)  # noqa: S311 - spreads load, keeps no secret
    return scale * (DELAYS[min(attempt, len(DELAYS)) - 1] + jitter)
