"""Steps of SDK functions that wait: for an event, or for a signal, an event for the one run that waits for it."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

import msgspec
from django.db import connection, transaction

from apps.event_stream.appending import append_numbered
from apps.event_stream.new_event import make_event
from apps.state.clock import read_now
from apps.state.history import Entry
from apps.state.sdk.book import StepEnd, finish_steps
from apps.state.sdk.progress import read_progress
from apps.state.transitions import lock_runs
from apps.state.waits import End, EndedWait, end_waits
from apps.state.wakes import Wakes, ring_for

SIGNAL = "inngest/signal.sent"
_WAITED_FOR = "inngest/signal:"
"""Before the name of a signal that is waited for, as no event's name can be."""


def name_of_signal(signal: str) -> str:
    """The event name under which a wait for the signal stands."""
    return _WAITED_FOR + signal


def end_sdk_waits(ended: Sequence[EndedWait], now: datetime, wakes: Wakes, value: str = "null") -> list[Entry]:
    """The steps that waited end with their events, or with nothing. `value` is a signal's. The runs are locked."""
    asked: dict[str, set[str]] = {}
    for wait in ended:
        asked.setdefault(wait.run_id, set()).add(wait.sources)
    progress = read_progress(asked)
    ends = []
    for wait in ended:
        if wait.run_id in progress:
            event_seq = wait.event_seq if wait.kind == "sdk" else None
            op = "waitForEvent" if wait.kind == "sdk" else "waitForSignal"
            end = StepEnd(wait.sources, op, True, value, event_seq=event_seq)
            ends.append((progress[wait.run_id], end, wait.reason))
    return finish_steps(ends, now, wakes)


class Signal(NamedTuple):
    """A signal that a run wants to wait for."""

    environment_id: int
    signal: str
    replaces: bool
    """It is taken from the run that waits for it already, which then waits in vain."""


# In one order, so that two transactions never wait for each other in a circle.
_ALONE = """
SELECT pg_advisory_xact_lock(environment_id::int, hashtext(name)) FROM (
    SELECT * FROM unnest(%b::bigint[], %b::text[]) AS k (environment_id, name)
    ORDER BY environment_id::int, hashtext(name)
) AS k
"""
_REPLACE = """
UPDATE state_wait AS wait SET kind = 'sdk'
FROM unnest(%b::bigint[], %b::text[]) AS k (environment_id, name)
WHERE wait.environment_id = k.environment_id AND wait.event_name = k.name AND wait.event_name = ANY (%b::text[])
  AND wait.kind = 'signal' AND wait.status = 'open'
"""
_TAKEN = """
SELECT k.environment_id, k.name FROM unnest(%b::bigint[], %b::text[]) AS k (environment_id, name), LATERAL (
    SELECT FROM state_wait AS wait
    WHERE wait.environment_id = k.environment_id AND wait.event_name = k.name
      AND wait.kind = 'signal' AND wait.status = 'open' LIMIT 1
) AS wait
"""


def taken_signals(signals: Sequence[Signal]) -> set[tuple[int, str]]:
    """Those for which another run waits already; it waits in vain from now on, where one of these takes its place.

    Until the transaction ends nobody else begins to wait for any of them.
    """
    if not signals:
        return set()
    keys = sorted({(one.environment_id, name_of_signal(one.signal)) for one in signals})
    replaced = {(one.environment_id, name_of_signal(one.signal)) for one in signals if one.replaces}
    environments, names = [key[0] for key in keys], [key[1] for key in keys]
    with connection.cursor() as cursor:
        cursor.execute(_ALONE, (environments, names))
        cursor.execute(_TAKEN, (environments, names))
        taken = {(row[0], row[1]) for row in cursor.fetchall()}
        if others := list(zip(*(replaced & taken), strict=True)):
            cursor.execute(_REPLACE, (list(others[0]), list(others[1]), list(others[1])))
    return {(environment, name.removeprefix(_WAITED_FOR)) for environment, name in taken}


def send_signal(environment_id: int, signal: str, data: bytes) -> str | None:
    """Hand a signal with its data (JSON) to the run that waits for it. That run's id; None if no run does."""
    while (found := _find(environment_id, name_of_signal(signal))) is not None:
        wait_id, run_id = found
        if _hand(environment_id, signal, data, wait_id, run_id):
            return run_id
        # It has just ended in another way, or another run took its place: that one is found now.
    return None


def _hand(environment_id: int, signal: str, data: bytes, wait_id: int, run_id: str) -> bool:
    wakes = Wakes()
    value = b'{"signal":%b,"data":%b}' % (msgspec.json.encode(signal), data)
    with transaction.atomic():
        now = lock_runs([run_id]).now or read_now()
        [seq] = append_numbered([make_event(environment_id, SIGNAL, msgspec.Raw(value))])
        ended = end_waits([End(wait_id, seq, f"signal {signal}")], now)
        if not ended or ended[0].kind != "signal":
            transaction.set_rollback(True)
            return False
        end_sdk_waits(ended, now, wakes, value.decode())
        wakes.events += 1
    ring_for(wakes, now)
    return True


def _find(environment_id: int, name: str) -> tuple[int, str] | None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, run_id FROM state_wait WHERE environment_id = %s AND event_name = %s"
            " AND kind = 'signal' AND status = 'open' LIMIT 1",
            (environment_id, name),
        )
        row = cursor.fetchone()
    return row and (row[0], row[1])
