"""Asking a server again and again, and living through its absence: for commands that end with Ctrl-C."""

import time
from collections.abc import Callable

from apps.cli.client import Refused, Unreachable
from apps.cli.printing import note
from apps.cli.problems import Problem

POLL_SECONDS = 1.0
_LONGEST_PAUSE_SECONDS = 15.0


def follow(look: Callable[[], None]) -> None:
    """Does not end by itself: what the server cannot tell now, it tells once it is back."""
    failures = 0
    while True:
        begun = time.monotonic()
        try:
            look()
            if failures:
                note("The server is back; nothing was missed.")
            failures = 0
        except (Unreachable, Refused) as problem:
            if not _may_pass(problem):
                raise
            if not failures:
                note(f"{problem.message}; trying again …")
            failures += 1
        pause = min(POLL_SECONDS * 2 ** min(failures, 10), _LONGEST_PAUSE_SECONDS)
        time.sleep(max(pause - (time.monotonic() - begun), POLL_SECONDS / 10))


def _may_pass(problem: Problem) -> bool:
    return isinstance(problem, Unreachable) or (
        isinstance(problem, Refused) and problem.status in {429, *range(500, 600)}
    )
