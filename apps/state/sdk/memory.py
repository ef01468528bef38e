"""What an SDK's function remembers: the results of its steps, in the order in which they ended, as calls carry them."""

from collections.abc import Collection
from typing import NamedTuple

from django.db import connection

from apps.datastore.definition.types import SDK_STEP


class PendingStep(NamedTuple):
    """A step whose item has been claimed, as it was asked for."""

    op: str
    name: str
    input: str | None
    is_open: bool


class Memory(NamedTuple):
    """Of one run."""

    version: int | None
    """The version of the protocol in which the function answered last."""
    results: dict[str, str]
    """JSON text by step, in the order in which they ended; without their texts if these are too large together."""
    size: int
    """Bytes of all results."""
    fits: bool
    pending: dict[str, PendingStep]


# The size of a text is known without reading it. What a function gets back of a step depends on its kind: an event that
# was waited for comes as it is, as does the null of a sleep; what was run comes in `data`, what failed in `error`.
_READ = """
SELECT run_id, step_id, op, name, status, request_version, size,
       CASE WHEN step_id = ANY (%(pending)b::text[]) THEN input END,
       CASE WHEN size > %(most)s OR ended_seq IS NULL OR op = 'function' THEN NULL
            WHEN status = 'failed' THEN '{"error":' || error || '}'
            WHEN op IN ('sleep', 'waitForEvent') OR op = 'waitForSignal' AND output = 'null' THEN output
            ELSE '{"data":' || output || '}' END,
       ended_seq IS NOT NULL
FROM (
    SELECT *, sum(CASE WHEN op = 'function' THEN 0 ELSE octet_length(COALESCE(output, error, '')) END)
                OVER (PARTITION BY run_id)::bigint AS size
    FROM state_step
    WHERE run_id = ANY (%(runs)b::text[]) AND (ended_seq IS NOT NULL OR step_id = ANY (%(pending)b::text[]))
) AS step
ORDER BY run_id, ended_seq
"""


def read_memory(run_ids: Collection[str], step_ids: Collection[str], most_bytes: int) -> dict[str, Memory]:
    """The memories of runs, and of their steps those named, ended or not. One statement.

    Results that are more than `most_bytes` together are told by their ids alone.
    """
    found: dict[str, Memory] = {}
    with connection.cursor() as cursor:
        cursor.execute(_READ, {"runs": list(run_ids), "pending": [*step_ids, SDK_STEP], "most": most_bytes})
        for run_id, step_id, op, name, status, version, size, text_in, result, has_ended in cursor.fetchall():
            memory = found.get(run_id)
            if memory is None:
                memory = found[run_id] = Memory(None, {}, size, size <= most_bytes, {})
            if op == "function":
                found[run_id] = memory._replace(version=version)
            elif has_ended:
                memory.results[step_id] = result or ""
            if step_id in step_ids:
                memory.pending[step_id] = PendingStep(op, name or step_id, text_in, status == "open")
    return found
