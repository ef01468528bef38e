"""What is said of the steps of an SDK's function, beyond what is said of every step."""

from collections.abc import Mapping
from datetime import datetime

from django.db import connection

from apps.core_api.answers import StepOp, WaitsFor
from apps.core_api.waits import event_or_signal

OPS: Mapping[str, StepOp] = {
    "run": "StepRun",
    "sleep": "Sleep",
    "waitForEvent": "WaitForEvent",
    "waitForSignal": "WaitForSignal",
    "invoke": "InvokeFunction",
    "fetch": "Gateway",
    "infer": "AIGateway",
}
"""As the SDKs call them."""

WAITING = frozenset({"waitForEvent", "waitForSignal", "invoke"})
TRIED = frozenset({"run", "fetch", "infer"})
"""What a worker does; it begins, and may be tried again."""

_LISTENING = """
SELECT sources, event_name, match, expires_at FROM state_wait
WHERE run_id = %s AND kind IN ('sdk', 'signal') AND sources = COALESCE(%s::text, sources)
"""


def load_waits_for(run_id: str, step_id: str | None) -> dict[str, WaitsFor]:
    """What the run's waiting steps wait for, or the one; also those that have ended."""
    with connection.cursor() as cursor:
        cursor.execute(_LISTENING, (run_id, step_id))
        return {waiting: _waits_for(*rest) for waiting, *rest in cursor.fetchall()}


def _waits_for(event_name: str, match: str | None, expires_at: datetime | None) -> WaitsFor:
    event, signal = event_or_signal(event_name)
    return WaitsFor(event=event, signal=signal, match=match, expires_at=expires_at)
