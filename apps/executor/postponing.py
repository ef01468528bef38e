"""Steps whose runtime was away (`Outcome.unavailable`): the same attempt is tried again, for as long as it takes."""

import random
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings

from apps.executor.engine_watch import engine_host
from apps.executor.finished import Finished
from apps.state.history import Entry, add_waiting
from apps.state.scheduling import Postponed, postpone
from apps.state.wakes import Wakes

JITTER = 0.25
"""At most so much of the delay more, so that what was refused together does not come back together."""


def postpone_unavailable(refused: Sequence[Finished], now: datetime, wakes: Wakes) -> list[Entry]:
    """Queue them again. No attempt is used up, and nothing of the step changes. What was added to the history.

    Called with the runs locked, and open.
    """
    if not refused:
        return []
    due = [now + timedelta(seconds=_delay()) for _ in refused]
    held = postpone([Postponed(one.item.id, one.worker_id, at) for one, at in zip(refused, due, strict=True)])
    ours = [one for one in refused if (one.item.id, one.worker_id) in held]
    if not ours:
        return []
    wakes.due += due
    return add_waiting([(one.item.run_id, one.item.step_id, one.item.attempt, _why(one)) for one in ours], now)


def _delay() -> float:
    seconds: float = settings.UNAVAILABLE_RETRY_SECONDS
    return seconds * random.uniform(1, 1 + JITTER)  # noqa: S311 - spreads load, keeps no secret


def _why(one: Finished) -> str:
    error = one.outcome.error
    if error is None:
        return "what runs it is away"
    # Where the engine is says nothing to those who read a run.
    host = engine_host()
    return error.message.replace(f" at {host}", "").replace(host, "…")[:500]
