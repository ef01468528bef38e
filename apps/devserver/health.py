"""Waiting until the web server answers."""

import time
import urllib.error
import urllib.request
from collections.abc import Callable

from apps.devserver.faults import CannotStart

_HEALTH_SECONDS = 60.0


def wait_healthy(url: str, look: Callable[[], None]) -> None:
    """Waits, and looks after the fleet meanwhile. Raises CannotStart if it takes too long."""
    deadline = time.monotonic() + _HEALTH_SECONDS
    while not _is_healthy(url):
        if time.monotonic() > deadline:
            raise CannotStart(f"The web server did not answer within {_HEALTH_SECONDS:.0f} s; the log above says why.")
        look()
        time.sleep(0.05)


def _is_healthy(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/health", timeout=2) as answer:  # noqa: S310 - a URL of our own
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False
