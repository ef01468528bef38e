"""All checks at the same time, each for so long at most: one that hangs neither holds up nor hides the others."""

import threading
import time
from collections.abc import Callable, Mapping

from apps.cli.doctor.finding import Finding, Group, fault

MAX_SECONDS = 15.0

Check = Callable[[], list[Finding]]


def run_at_once(checks: Mapping[str, Check], seconds: float = MAX_SECONDS) -> list[Group]:
    """In the order of the checks. Threads that hang are left behind: they end with the process."""
    found: dict[str, list[Finding]] = {}

    def run(name: str, check: Check) -> None:
        try:
            found[name] = check()
        except Exception as error:
            found[name] = [fault(name, f"could not be looked at: {type(error).__name__}: {error}", "")]

    threads = {name: threading.Thread(target=run, args=(name, check), daemon=True) for name, check in checks.items()}
    deadline = time.monotonic() + seconds
    for thread in threads.values():
        thread.start()
    for thread in threads.values():
        thread.join(max(deadline - time.monotonic(), 0))
    silent = f"no answer within {seconds:.0f} s"
    return [Group(name, found.get(name) or [fault(name, silent, "look at what it talks to")]) for name in checks]
