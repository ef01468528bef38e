"""Worker processes: who lives, who has fallen silent, and what becomes of the leases of the dead (rule 4)."""

from collections.abc import Sequence
from typing import NamedTuple

from django.db import connection, transaction

from apps.state import teller, telling
from apps.state.clock import read_now
from apps.state.history import Entry, add_history
from apps.state.queue import COLUMNS, ITEM_COLUMNS, Item


def register_worker(name: str, queues: Sequence[str]) -> int:
    """A row, and with it an identity, for this process."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO state_worker (name, queues, started_at, heartbeat_at) VALUES (%s, %s, now(), now())"
            " RETURNING id",
            (name, ",".join(sorted(queues))),
        )
        worker_id: int = cursor.fetchone()[0]
        return worker_id


def renew(worker_id: int, faults: str = "") -> bool:
    """Renew all leases of a worker at once, and say what keeps it from running steps; False if it has been declared
    dead, and must register anew."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE state_worker SET heartbeat_at = clock_timestamp(), faults = %s WHERE id = %s", (faults, worker_id)
        )
        return bool(cursor.rowcount)


# LIMIT keeps each look-up to its key.
_ENDED_MEANWHILE = """
SELECT leased.id
FROM state_leaseditem AS leased, LATERAL (SELECT ended_at FROM state_run WHERE id = leased.run_id LIMIT 1) AS run
WHERE leased.worker_id = %s AND run.ended_at IS NOT NULL
"""


def leased_of_ended(worker_id: int) -> list[int]:
    """The items that a worker holds of runs that have ended: nobody waits for what they come to.

    Called with each heartbeat of a worker that has calls in flight.
    """
    with connection.cursor() as cursor:
        cursor.execute(_ENDED_MEANWHILE, (worker_id,))
        return [row[0] for row in cursor.fetchall()]


def deregister_worker(worker_id: int) -> None:
    """Take the row of a process that ends. What it still holds goes back like a dead worker's."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM state_worker WHERE id = %s", (worker_id,))


def served_queues() -> list[str]:
    """The queues that some worker consumes."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT DISTINCT unnest(string_to_array(queues, ',')) FROM state_worker")
        return [row[0] for row in cursor.fetchall()]


def count_serving(queue: str) -> int:
    """How many workers consume this queue."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM state_worker WHERE %s = ANY (string_to_array(queues, ','))", (queue,))
        count: int = cursor.fetchone()[0]
        return count


class Reclaimed(NamedTuple):
    """What the dead left: queues that have work again, and items that came back too often, each with its worker."""

    queues: set[str]
    worn_out: list[tuple[Item, int]]


# Nobody could be heard while the database was away: silence counts from its start.
_BURY = """
DELETE FROM state_worker
WHERE greatest(heartbeat_at, pg_postmaster_start_time()) < clock_timestamp() - make_interval(secs => %s)
"""

# A lease without a worker is a lost one. A claim holds its worker's row against deletion until it commits, so none is
# missed. Locked ones are passed over: a client that froze while it recorded must not hold up everybody else's items.
_RETURN = f"""
WITH lost AS (
    DELETE FROM state_leaseditem WHERE id IN (
        SELECT leased.id FROM state_leaseditem AS leased
        WHERE NOT EXISTS (SELECT FROM state_worker WHERE state_worker.id = leased.worker_id)
          AND leased.returns + 1 < %s
        FOR UPDATE SKIP LOCKED
    )
    RETURNING {COLUMNS}
)
INSERT INTO state_readyitem ({COLUMNS})
SELECT id, queue, function_id, run_id, step_id, attempt, priority, returns + 1, since_seq, plan_only FROM lost
RETURNING run_id, step_id, queue, returns
"""

_WORN_OUT = f"""
SELECT {ITEM_COLUMNS}, worker_id
FROM state_leaseditem AS leased
WHERE NOT EXISTS (SELECT FROM state_worker WHERE state_worker.id = leased.worker_id) AND leased.returns + 1 >= %s
"""


def reclaim_lost(lease_seconds: float, max_returns: int) -> Reclaimed:
    """Declare silent workers dead and make their items ready again. Called by a chore; several at once do no harm."""
    with transaction.atomic(), connection.cursor() as cursor:
        now = read_now()
        cursor.execute(_BURY, (lease_seconds,))
        cursor.execute(_RETURN, (max_returns,))
        returned = cursor.fetchall()
        entries = [
            Entry(run_id, "step.returned", f"its worker was gone ({returns} of {max_returns})", step_id)
            for run_id, step_id, _, returns in returned
        ]
        add_history(entries, now)
        cursor.execute(_WORN_OUT, (max_returns,))
        worn_out = [(Item(*row[:-1]), row[-1]) for row in cursor.fetchall()]
    if teller.is_on():
        teller.tell([telling.step_said(entry) for entry in entries])
    return Reclaimed({queue for _, _, queue, _ in returned}, worn_out)


def note_pulse(chore: str) -> None:
    """Say that this chore ran just now; `/ready` reads it."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO state_pulse (chore, at) VALUES (%s, now()) ON CONFLICT (chore) DO UPDATE SET at = excluded.at",
            (chore,),
        )
