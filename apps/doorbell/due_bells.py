"""Doorbells with an eta, for what is due soon: sharper than beat's second, and few (rule 11)."""

import math
import threading
import time
from collections.abc import Iterable

from django.conf import settings

from apps.doorbell.ringing import ring

BUCKET_SECONDS = 0.25
"""Due times are rounded up to it, so that what is due together shares a ring."""
OUTSTANDING_MOST = 20
"""Rings of one process that may be waiting for their time. A worker holds each message with an eta in memory, and takes
no other message while it holds `worker_eta_task_limit` of them; what gets no ring of its own, beat wakes."""

_guard = threading.Lock()
_rung: set[tuple[str, int]] = set()


def ring_when_due(task: str, delays: Iterable[float], queue: str | None = None) -> None:
    """Ring for `task` when these delays (seconds) are over, as far as they lie within the eta horizon."""
    now = time.time()
    with _guard:
        _rung.difference_update([rung for rung in _rung if rung[1] * BUCKET_SECONDS < now])
        for delay in sorted(delays):
            bucket = math.ceil((now + delay) / BUCKET_SECONDS)
            if delay > settings.ETA_HORIZON_SECONDS or len(_rung) >= OUTSTANDING_MOST:
                return
            if (task, bucket) not in _rung:
                _rung.add((task, bucket))
                ring(task, queue=queue, countdown=bucket * BUCKET_SECONDS - now)
