"""Waits: opened with a probe, found by what an event says, ended once (rule 14).

No event is missed. Either its consumption sees the open wait, or the wait was committed after that consumption had
looked, and then the probe, which looks later still, sees the event.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple

import msgspec
from django.db import connection

from apps.state.history import Entry, add_history
from apps.state.walking import Branches, Listening


class NewWait(NamedTuple):
    """A wait of a run, to be opened."""

    run_id: str
    environment_id: int
    function_id: int
    kind: str
    since_seq: int
    listening: Listening


_OPEN = """
WITH opened AS (
    INSERT INTO state_wait (run_id, environment_id, function_id, kind, since_seq, sources, event_name, match, paths,
                            key, expires_at, branches, opened_at, status)
    SELECT w.*, %s, 'open'
    FROM unnest(%b::text[], %b::bigint[], %b::bigint[], %b::text[], %b::bigint[], %b::text[], %b::text[], %b::text[],
                %b::text[], %b::bigint[], %b::timestamptz[], %b::text[]) AS w
    RETURNING id, since_seq
)
INSERT INTO state_probe (wait_id, after_seq, due_at) SELECT id, since_seq, %s FROM opened
"""


def open_waits(waits: Sequence[NewWait], now: datetime) -> None:
    """Open waits, each with its probe, to be run after the commit. Called with the runs locked, or just made."""
    if not waits:
        return
    runs, environments, functions, kinds, since, listening = zip(*waits, strict=True)
    sources, names, matches, pairs, expiries, branches = zip(*listening, strict=True)
    paths, keys = zip(*pairs, strict=True)
    texts = [msgspec.json.encode(branch).decode() for branch in branches]
    columns = (runs, environments, functions, kinds, since, sources, names, matches, paths, keys, expiries, texts)
    with connection.cursor() as cursor:
        cursor.execute(_OPEN, (now, *map(list, columns), now))
    add_history([_opened(wait) for wait in waits if wait.kind != "cancel"], now)


def _opened(wait: NewWait) -> Entry:
    what = wait.listening
    until = f", until {what.expires_at.isoformat(timespec='seconds')}" if what.expires_at else ""
    matching = f" with {what.match}" if what.match else ""
    return Entry(wait.run_id, "wait.opened", f"for {what.event_name}{matching}{until}", what.sources)


# From one set of paths to the next by the index, however many waits there are of each.
_LISTENED = """
WITH RECURSIVE listened AS (
    SELECT asked.environment_id, asked.event_name, first.paths
    FROM unnest(%b::bigint[], %b::text[]) AS asked (environment_id, event_name), LATERAL (
        SELECT paths FROM state_wait AS wait
        WHERE wait.environment_id = asked.environment_id AND wait.event_name = asked.event_name AND status = 'open'
        ORDER BY wait.environment_id, wait.event_name, paths LIMIT 1
    ) AS first
  UNION ALL
    SELECT listened.environment_id, listened.event_name, next.paths
    FROM listened, LATERAL (
        SELECT paths FROM state_wait AS wait
        WHERE wait.environment_id = listened.environment_id AND wait.event_name = listened.event_name
          AND wait.paths > listened.paths AND status = 'open'
        ORDER BY wait.environment_id, wait.event_name, paths LIMIT 1
    ) AS next
)
SELECT environment_id, event_name, paths FROM listened
"""


def paths_listened(names: Collection[tuple[int, str]]) -> dict[tuple[int, str], list[str]]:
    """For each (environment, event name) that an open wait is for: the paths of an event that decide which."""
    paths: dict[tuple[int, str], list[str]] = {}
    with connection.cursor() as cursor:
        cursor.execute(_LISTENED, ([environment for environment, _ in names], [name for _, name in names]))
        for environment_id, name, path in cursor.fetchall():
            paths.setdefault((environment_id, name), []).append(path)
    return paths


class Lookup(NamedTuple):
    """What an event says at some paths: the open waits beyond `after` with this key are for it, as far as is known."""

    event_seq: int
    environment_id: int
    event_name: str
    paths: str
    key: int
    after: int = 0


class OpenWait(NamedTuple):
    """An open wait as it is matched with events."""

    id: int
    run_id: str
    kind: str
    sources: str
    match: str | None
    since_seq: int
    expires_at: datetime | None


# Rows are compared, so that the plan can only be a walk over the index: by the id alone, one that was made when most
# waits were alike walks all of them.
_FIND = """
SELECT lookup.event_seq, wait.* FROM unnest(%b::bigint[], %b::bigint[], %b::text[], %b::text[], %b::bigint[],
    %b::bigint[]) AS lookup (event_seq, environment_id, event_name, paths, key, after), LATERAL (
    SELECT id, run_id, kind, sources, match, since_seq, expires_at FROM state_wait AS wait
    WHERE (wait.environment_id, wait.event_name, wait.paths, wait.key, wait.id)
            > (lookup.environment_id, lookup.event_name, lookup.paths, lookup.key, lookup.after)
      AND (wait.environment_id, wait.event_name, wait.paths, wait.key)
            <= (lookup.environment_id, lookup.event_name, lookup.paths, lookup.key)
      AND status = 'open'
    ORDER BY wait.environment_id, wait.event_name, paths, key, id LIMIT %s
) AS wait ORDER BY wait.id LIMIT %s
"""


def find_waits(lookups: Sequence[Lookup], most: int) -> list[tuple[int, OpenWait]]:
    """The waits found, each with the number of its event, by their ids; at most `most`."""
    if not lookups:
        return []
    with connection.cursor() as cursor:
        cursor.execute(_FIND, (*(list(column) for column in zip(*lookups, strict=True)), most, most))
        return [(seq, OpenWait(*rest)) for seq, *rest in cursor.fetchall()]


class End(NamedTuple):
    """How a wait is to end: by an event, or, without one, by its time; and why, for the history."""

    wait_id: int
    event_seq: int | None
    reason: str


class EndedWait(NamedTuple):
    """A wait that has just ended, and what may follow."""

    run_id: str
    function_id: int
    kind: str
    event_seq: int | None
    branches: Branches
    reason: str
    sources: str


# The array beside the join, and `ended_at` for the status: else a plan that was made while the table was empty may walk
# all the waits, or all that are open.
_END = """
WITH asked AS MATERIALIZED (
    SELECT * FROM unnest(%(waits)b::bigint[], %(events)b::bigint[], %(reasons)b::text[]) AS e (id, event_seq, reason)
), ended AS (
    UPDATE state_wait AS wait
    SET status = CASE WHEN asked.event_seq IS NULL THEN 'timed out' ELSE 'arrived' END, ended_at = %(now)s,
        event_seq = asked.event_seq
    FROM asked WHERE wait.id = asked.id AND wait.id = ANY (%(waits)b::bigint[]) AND wait.ended_at IS NULL
    RETURNING wait.run_id, wait.function_id, wait.kind, wait.event_seq, wait.branches, asked.reason, wait.sources
), history AS (
    INSERT INTO state_history (run_id, at, kind, step_id, reason)
    SELECT run_id, %(now)s, CASE WHEN event_seq IS NULL THEN 'wait.timed_out' ELSE 'wait.arrived' END, sources, reason
    FROM ended WHERE kind = 'step'
)
SELECT run_id, function_id, kind, event_seq, branches, reason, sources FROM ended
"""


def end_waits(ends: Sequence[End], now: datetime) -> list[EndedWait]:
    """End those of the waits that are still open. Called with the runs locked; what it returns has ended here."""
    if not ends:
        return []
    waits, events, reasons = (list(column) for column in zip(*ends, strict=True))
    with connection.cursor() as cursor:
        cursor.execute(_END, {"now": now, "waits": waits, "events": events, "reasons": reasons})
        return [
            EndedWait._make((*row[:4], msgspec.json.decode(row[4], type=Branches), *row[5:]))
            for row in cursor.fetchall()
        ]


def cancel_waits(wait_ids: Sequence[int], now: datetime) -> None:
    """End waits of runs that have ended; there should be none."""
    if wait_ids:
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE state_wait SET status = 'cancelled', ended_at = %s WHERE id = ANY (%b::bigint[])"
                " AND ended_at IS NULL",
                (now, list(wait_ids)),
            )


def find_expired(before: datetime, most: int) -> list[OpenWait]:
    """Open waits that expired before this moment and have looked back, the oldest first.

    None is locked: `end_waits` decides.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, run_id, kind, sources, match, since_seq, expires_at FROM state_wait"
            " WHERE expires_at < %s AND status = 'open'"
            " AND NOT EXISTS (SELECT FROM state_probe WHERE wait_id = state_wait.id OFFSET 0)"
            " ORDER BY expires_at, id LIMIT %s",
            (before, most),
        )
        return [OpenWait(*row) for row in cursor.fetchall()]
