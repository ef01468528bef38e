"""Probes: a wait that was opened looks at the events since it began to listen (rule 14)."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import NamedTuple

from django.db import connection

from apps.state.waits import OpenWait


class TakenProbe(NamedTuple):
    """A probe that nobody else is running, and its wait; no wait if that has ended."""

    wait_id: int
    after_seq: int
    environment_id: int
    event_name: str
    paths: str
    key: int
    wait: OpenWait


_TAKE = """
WITH taken AS MATERIALIZED (
    SELECT wait_id, after_seq FROM state_probe WHERE due_at <= now()
    ORDER BY due_at, wait_id LIMIT %s FOR UPDATE SKIP LOCKED
)
SELECT taken.wait_id, taken.after_seq, wait.*
FROM taken LEFT JOIN LATERAL (
    SELECT environment_id, event_name, paths, key, id, run_id, kind, sources, match, since_seq, expires_at
    FROM state_wait WHERE id = taken.wait_id AND ended_at IS NULL LIMIT 1
) AS wait ON true
"""


class Taken(NamedTuple):
    """Probes to be run, and those whose wait has ended already."""

    probes: list[TakenProbe]
    idle: list[int]


# One alone: whether it is the one with which something is wrong.
_TAKE_THIS = _TAKE.replace("WHERE due_at <= now()\n    ORDER BY due_at, wait_id LIMIT %s", "WHERE wait_id = %s")


def take_probes(most: int) -> Taken:
    """Take up to `most` of the probes that are due, the longest first; they stay if the transaction fails."""
    return _take(_TAKE, most)


def take_probe(wait_id: int) -> Taken:
    """Take this one, if nobody else is running it."""
    return _take(_TAKE_THIS, wait_id)


def due_probes(most: int) -> list[int]:
    """The waits whose probes are due, the longest first."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT wait_id FROM state_probe WHERE due_at <= now() ORDER BY due_at, wait_id LIMIT %s", (most,)
        )
        return [row[0] for row in cursor.fetchall()]


def _take(statement: str, argument: int) -> Taken:
    with connection.cursor() as cursor:
        cursor.execute(statement, (argument,))
        rows = cursor.fetchall()
    return Taken(
        [TakenProbe._make((*row[:6], OpenWait(*row[6:]))) for row in rows if row[2] is not None],
        [row[0] for row in rows if row[2] is None],
    )


def end_probes(wait_ids: Collection[int]) -> None:
    """Their waits have looked at all there was."""
    if wait_ids:
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM state_probe WHERE wait_id = ANY (%b::bigint[])", (list(wait_ids),))


def advance_probes(after: Mapping[int, int], now: datetime) -> None:
    """Their waits have looked at the events up to these numbers, and there are more: they go on after all others."""
    if after:
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE state_probe AS probe SET after_seq = seen.seq, due_at = %s"
                " FROM unnest(%b::bigint[], %b::bigint[]) AS seen (wait_id, seq)"
                " WHERE probe.wait_id = seen.wait_id AND probe.wait_id = ANY (%b::bigint[])",
                (now, list(after), list(after.values()), list(after)),
            )


POSTPONED_SECONDS = 60.0


def postpone(wait_id: int) -> None:
    """Let a wait look again in a minute, at all events since it began to listen; until then it does not time out.

    For one with which something is wrong: it must not hold up the others, and may be well with another release.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO state_probe (wait_id, after_seq, due_at)"
            " SELECT id, since_seq, now() + make_interval(secs => %s) FROM state_wait"
            " WHERE id = %s AND ended_at IS NULL"
            " ON CONFLICT (wait_id) DO UPDATE SET due_at = excluded.due_at",
            (POSTPONED_SECONDS, wait_id),
        )
