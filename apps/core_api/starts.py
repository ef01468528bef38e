"""Which functions an event started, and why it did not start the others that have a trigger for it."""

from collections.abc import Sequence
from typing import NamedTuple

from django.db import connection

from apps.core_api.answers import Start

# A stretch of both indexes for each receipt of the event. What an event has started it has not refused to start: a tick
# that started a function by its cron may have been refused, afterwards, by the same function's trigger for it.
_OF_EVENT = """
WITH entry AS MATERIALIZED (
    SELECT run.* FROM unnest(%(seqs)s::bigint[]) AS receipt (seq), LATERAL (
        SELECT function_id, version_id, id AS run_id, NULL AS why, NULL AS reason FROM state_run
        WHERE event_seq = receipt.seq AND function_id > %(after)s ORDER BY event_seq, function_id LIMIT %(most)s
    ) AS run
  UNION ALL
    SELECT refusal.* FROM unnest(%(seqs)s::bigint[]) AS receipt (seq), LATERAL (
        SELECT function_id, version_id, NULL, why, reason FROM state_notstarted
        WHERE event_seq = receipt.seq AND function_id > %(after)s ORDER BY event_seq, function_id LIMIT %(most)s
    ) AS refusal
), page AS MATERIALIZED (
    SELECT DISTINCT ON (function_id) * FROM entry ORDER BY function_id, run_id NULLS LAST LIMIT %(most)s
)
SELECT page.function_id, function.slug, version.number, page.run_id, page.why, page.reason
FROM page
JOIN datastore_function AS function ON function.id = page.function_id
JOIN datastore_functionversion AS version ON version.id = page.version_id
ORDER BY page.function_id
"""


class StartsPage(NamedTuple):
    starts: list[Start]
    ended_at: int | None


def load_starts(event_seqs: Sequence[int], after: str | None, limit: int) -> StartsPage:
    """A page of an event's starts, in the order in which the functions were first deployed."""
    with connection.cursor() as cursor:
        cursor.execute(_OF_EVENT, {"seqs": list(event_seqs), "after": int(after or 0), "most": limit + 1})
        rows = cursor.fetchall()
    starts = [
        Start(
            function_id=slug,
            function_version=number,
            started=run_id is not None,
            run_id=run_id,
            why=why,
            reason=reason,
        )
        for _, slug, number, run_id, why, reason in rows[:limit]
    ]
    return StartsPage(starts, rows[limit - 1][0] if len(rows) > limit else None)
