"""The queue's moves: ready → leased → gone, and back to ready when a worker gives an item back.

Every move takes a row out of one table and puts it into the next in one statement, so an item is always in one place.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from django.db import connection

COLUMN_NAMES = (
    "id",
    "queue",
    "function_id",
    "run_id",
    "step_id",
    "attempt",
    "priority",
    "returns",
    "since_seq",
    "plan_only",
)
COLUMNS = ", ".join(COLUMN_NAMES)
"""What moves with an item from table to table."""


class Item(NamedTuple):
    """A leased item: one attempt of one step, ours for as long as our worker lives."""

    id: int
    queue: str
    function_id: int
    run_id: str
    step_id: str
    attempt: int
    returns: int
    leased_at: datetime
    since_seq: int
    """How far the event stream had got when the step was first claimed."""
    plan_only: bool = False
    """The SDK's function is to run no step."""


ITEM_COLUMNS = "id, queue, function_id, run_id, step_id, attempt, returns, leased_at, since_seq, plan_only"
"""Those of `Item`, of a leased row."""


# Fair between functions: the walk over the index goes from function to function, beginning after the one that was
# served last and wrapping around once, and each gets an equal share of the claim. One function's backlog, however long,
# costs another nothing: the walk makes one index probe a function and looks at no row that it does not take.
#
# The rows are locked, so they stay where they are and are deleted by their place: by id, a plan that was made while the
# table was empty may walk all of `ready_claim`.
#
# The worker's row is locked against deletion, so that no item is leased to a worker that is being declared dead.
#
# The commit does not wait for the disk. A claim that a crash of the server forgets leaves its item ready: it is claimed
# once more, and of the two results the one without a lease is dropped. What follows a claim commits after it, so
# nothing that depends on a claim outlives it.
_CLAIM = f"""
WITH RECURSIVE turn (function_id, place, wrapped) AS (
    SELECT %(after)s::bigint, 0, false
  UNION ALL
    SELECT COALESCE(next.function_id, first.function_id), turn.place + 1, turn.wrapped OR next.function_id IS NULL
    FROM turn
    LEFT JOIN LATERAL (
        SELECT function_id FROM state_readyitem
        WHERE queue = %(queue)s AND function_id > turn.function_id
        ORDER BY queue, function_id LIMIT 1
    ) AS next ON true
    LEFT JOIN LATERAL (
        SELECT function_id FROM state_readyitem
        WHERE queue = %(queue)s ORDER BY queue, function_id LIMIT 1
    ) AS first ON next.function_id IS NULL AND NOT turn.wrapped
    -- A few more than asked for: a function whose items are all being claimed by others gives none.
    WHERE turn.place < greatest(%(most)s, 4)
      AND COALESCE(next.function_id, first.function_id) IS NOT NULL
      AND NOT ((turn.wrapped OR next.function_id IS NULL)
               AND COALESCE(next.function_id, first.function_id) > %(after)s)
), turns AS (
    SELECT function_id, place, count(*) OVER () AS functions FROM turn WHERE place > 0
), unsynced AS MATERIALIZED (
    SELECT set_config('synchronous_commit', 'off', true)
), worker AS (
    SELECT id FROM unsynced, state_worker WHERE id = %(worker)s FOR KEY SHARE OF state_worker
), taken AS (
    SELECT mine.ctid
    FROM worker, turns, LATERAL (
        SELECT ctid FROM state_readyitem
        WHERE queue = %(queue)s AND function_id = turns.function_id
        ORDER BY queue, function_id, priority DESC, id
        LIMIT (%(most)s + turns.functions - 1) / turns.functions
        FOR UPDATE SKIP LOCKED
    ) AS mine
    LIMIT %(most)s
), gone AS (
    DELETE FROM state_readyitem WHERE ctid = ANY (ARRAY(SELECT ctid FROM taken))
    RETURNING {COLUMNS}
)
INSERT INTO state_leaseditem (id, queue, function_id, run_id, step_id, attempt, priority, returns, plan_only, since_seq,
                              worker_id, leased_at)
SELECT id, queue, function_id, run_id, step_id, attempt, priority, returns, plan_only,
       COALESCE(since_seq, pg_sequence_last_value('event_stream_event_seq_seq'), 0), %(worker)s, now()
FROM gone
RETURNING {ITEM_COLUMNS}
"""


def claim(queue: str, worker_id: int, most: int, after: int) -> list[Item]:
    """Lease up to `most` ready items of a queue to a worker, beginning with the function that follows `after`.

    Gives nothing to a worker that has been declared dead. Called by the executor's drain.
    """
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, {"queue": queue, "worker": worker_id, "most": most, "after": after})
        return [Item(*row) for row in cursor.fetchall()]


def last_served(items: Sequence[Item], after: int) -> int:
    """The function after which the next claim begins, where one that began after `after` took these items.

    In the order of the walk it is the last one. Where every function got its share and some more than one item, it is
    the first: the next walk then begins one function further on, as the last of a walk may get less than its share.
    """
    turns = sorted({item.function_id for item in items}, key=lambda function_id: (function_id <= after, function_id))
    return turns[-1] if len(turns) == len(items) else turns[0]


def finish(leases: Sequence[tuple[int, int]]) -> set[tuple[int, int]]:
    """End the leases (item, worker) and say which of them still held; whoever is not among them must stop quietly."""
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM state_leaseditem AS leased USING unnest(%b::bigint[], %b::bigint[]) AS held (id, worker_id)"
            " WHERE leased.id = held.id AND leased.worker_id = held.worker_id RETURNING leased.id, leased.worker_id",
            ([item for item, _ in leases], [worker for _, worker in leases]),
        )
        return {(item, worker) for item, worker in cursor.fetchall()}


def give_back(worker_id: int, queue: str | None = None, keep: Sequence[int] = ()) -> set[str]:
    """Make ready again what a living worker holds, of one queue or of all, but for `keep`.

    Returns the queues to ring for. Called on shutdown, after the calls were aborted, and with each
    heartbeat, for claims whose answer was lost.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            f"WITH mine AS (DELETE FROM state_leaseditem WHERE worker_id = %s AND queue = COALESCE(%s::text, queue)"
            f" AND id <> ALL (%b::bigint[]) RETURNING {COLUMNS})"
            f" INSERT INTO state_readyitem ({COLUMNS}) SELECT {COLUMNS} FROM mine RETURNING queue",
            (worker_id, queue, list(keep)),
        )
        return {row[0] for row in cursor.fetchall()}


def remove_items(item_ids: Sequence[int]) -> None:
    """Take away items that are not to be tried any more. A leased one is left to its worker."""
    if not item_ids:
        return
    with connection.cursor() as cursor:
        # In the direction in which items move, a statement each: one that is moved meanwhile is met in the next table.
        # One that comes back from a lost lease at this moment is dropped when it is claimed.
        for table in ("state_scheduleditem", "state_readyitem"):
            cursor.execute(f"DELETE FROM {table} WHERE id = ANY (%b::bigint[])", (list(item_ids),))


def queues_with_work(queues: Sequence[str]) -> list[str]:
    """Those of the queues in which something is ready. One index probe each."""
    with connection.cursor() as cursor:
        cursor.execute(
            # LIMIT keeps the planner from joining with the whole index.
            "SELECT q.name FROM unnest(%b::text[]) AS q (name), LATERAL ("
            "SELECT FROM state_readyitem WHERE queue = q.name ORDER BY queue, function_id LIMIT 1) AS any_item",
            (list(queues),),
        )
        return [row[0] for row in cursor.fetchall()]
