"""Reading waits for answers: those of a run, and those that an event ended."""

from collections.abc import Sequence
from typing import Any

from django.db import connection

from apps.core_api.answers import RunWait, Wait, WaitStatus
from apps.core_api.walking import Stretch
from apps.state.sdk.waiting import name_of_signal

WAITS_MOST = 100
"""Of a run, in one answer."""

_NEWEST = 2**63 - 1
_SHOWN: dict[str, WaitStatus] = {
    "open": "Open",
    "arrived": "Arrived",
    "timed out": "TimedOut",
    "cancelled": "Cancelled",
}
_COLUMNS = """kind, sources, event_name, match, status, opened_at, expires_at, ended_at,
       (SELECT internal_id FROM event_stream_event WHERE seq = state_wait.event_seq),
       CASE WHEN kind IN ('sdk', 'signal')
            THEN (SELECT name FROM state_step AS step
                  WHERE step.run_id = state_wait.run_id AND step.step_id = state_wait.sources) END"""

# A run has as many waits as its definition has edges, or its function of an SDK may have steps, at most.
_OF_RUN = f"""
SELECT {_COLUMNS} FROM state_wait WHERE run_id = %s
ORDER BY status <> 'open', id DESC LIMIT {WAITS_MOST}
"""


def load_waits(run_id: str) -> list[Wait]:
    """The run's open waits, then those that have ended, the newest first; WAITS_MOST of them."""
    with connection.cursor() as cursor:
        cursor.execute(_OF_RUN, (run_id,))
        return [Wait(**_fields(row)) for row in cursor.fetchall()]


# One stretch of the index for each receipt of the event, and no sorting of all that a wide event has resumed.
_OF_EVENT = """
SELECT wait.id FROM unnest(%s::bigint[]) AS receipt (seq), LATERAL (
    SELECT id FROM state_wait WHERE event_seq = receipt.seq AND id < %s ORDER BY event_seq DESC, id DESC LIMIT %s
) AS wait
ORDER BY wait.id DESC LIMIT %s
"""


def find_waits_of_event(event_seqs: Sequence[int], below: str | None, limit: int) -> Stretch:
    """The ids of a page of the waits that an event ended, newest first."""
    start = _NEWEST if below is None else int(below)
    with connection.cursor() as cursor:
        cursor.execute(_OF_EVENT, (list(event_seqs), start, limit + 1, limit + 1))
        ids = [row[0] for row in cursor.fetchall()]
    return Stretch(ids[:limit], ids[limit - 1] if len(ids) > limit else None)


_LOAD = f"""
SELECT {_COLUMNS}, run_id, function.slug
FROM state_wait JOIN datastore_function AS function ON function.id = state_wait.function_id
WHERE state_wait.id = ANY (%s::bigint[])
ORDER BY state_wait.id DESC
"""


def load_waits_with_runs(wait_ids: Sequence[int]) -> list[RunWait]:
    with connection.cursor() as cursor:
        cursor.execute(_LOAD, (list(wait_ids),))
        return [RunWait(**_fields(row), run_id=row[-2], function_id=row[-1]) for row in cursor.fetchall()]


def _fields(row: Sequence[Any]) -> dict[str, Any]:
    kind, sources, event_name, match, status, opened_at, expires_at, ended_at, event_id, step_name = row[:10]
    is_step = kind in {"sdk", "signal"}
    event, signal = event_or_signal(event_name)
    return {
        # A signal that another run has taken over is waited for in vain, as an event that nobody sends.
        "kind": "signal" if signal is not None else kind,
        "after": [] if is_step else sources.split(","),
        "step_id": sources if is_step else None,
        "step_name": step_name,
        "event": event,
        "signal": signal,
        "match": match,
        "status": _SHOWN[status],
        "opened_at": opened_at,
        "expires_at": expires_at,
        "ended_at": ended_at,
        "event_id": event_id,
    }


def event_or_signal(event_name: str) -> tuple[str | None, str | None]:
    """What a wait with this event name waits for: an event, or a signal."""
    signal = event_name.removeprefix(name_of_signal(""))
    return (event_name, None) if signal == event_name else (None, signal)
