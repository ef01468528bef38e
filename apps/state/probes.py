"""Probes: a wait that was opened looks at the events since it began to listen (rule 14)."""

from collections.abc import Collection, Mapping
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
    SELECT wait_id, after_seq FROM state_probe ORDER BY wait_id LIMIT %s FOR UPDATE SKIP LOCKED
)
SELECT taken.wait_id, taken.after_seq, wait.*
FROM taken LEFT JOIN LATERAL (
    SELECT environment_id, event_name, paths, key, id, run_id, kind, sources, match, since_seq, expires_at
    FROM state_wait WHERE id = taken.wait_id AND status = 'open' LIMIT 1
) AS wait ON true
"""


class Taken(NamedTuple):
    """Probes to be run, and those whose wait has ended already."""

    probes: list[TakenProbe]
    idle: list[int]


def take_probes(most: int) -> Taken:
    """Take up to `most` of the oldest probes; they stay if the transaction fails."""
    with connection.cursor() as cursor:
        cursor.execute(_TAKE, (most,))
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


def advance_probes(after: Mapping[int, int]) -> None:
    """Their waits have looked at the events up to these numbers, and there are more."""
    if after:
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE state_probe AS probe SET after_seq = seen.seq"
                " FROM unnest(%b::bigint[], %b::bigint[]) AS seen (wait_id, seq)"
                " WHERE probe.wait_id = seen.wait_id AND probe.wait_id = ANY (%b::bigint[])",
                (list(after), list(after.values()), list(after)),
            )
