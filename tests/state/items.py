"""Rows of the queue put straight into its tables, and workers to lease them."""

from collections.abc import Sequence
from typing import Any

from django.db import connection

from apps.state.workers import register_worker

QUEUE = "steps"


def add_ready(
    function_id: int, count: int = 1, *, queue: str = QUEUE, priority: int = 0, run_id: str = "run"
) -> list[int]:
    """Ready items of a function, which nothing but the queue knows of. Returns their ids, the oldest first."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO state_readyitem (id, queue, function_id, run_id, step_id, attempt, priority, returns)"
            " SELECT nextval('state_queue_item_id'), %s, %s, %s, 'step-' || n, 1, %s, 0"
            " FROM generate_series(1, %s) AS n RETURNING id",
            (queue, function_id, run_id, priority, count),
        )
        return sorted(row[0] for row in cursor.fetchall())


def add_scheduled(due_in: float, count: int = 1, *, function_id: int = 1) -> list[int]:
    """Items that are due in so many seconds (negative: they have been for so long)."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO state_scheduleditem"
            " (id, queue, function_id, run_id, step_id, attempt, priority, returns, due_at)"
            " SELECT nextval('state_queue_item_id'), %s, %s, 'run', 'step-' || n, 2, 0, 0,"
            " now() + make_interval(secs => %s) FROM generate_series(1, %s) AS n RETURNING id",
            (QUEUE, function_id, due_in, count),
        )
        return sorted(row[0] for row in cursor.fetchall())


LEASE_SECONDS = 1.0
"""Of the tests: the database has been up for longer, before whose start no silence counts."""


def add_worker() -> int:
    """A worker that will not be silent for an hour, however long a test takes."""
    worker_id = register_worker("test", [QUEUE])
    execute("UPDATE state_worker SET heartbeat_at = now() + interval '1 hour' WHERE id = %s", (worker_id,))
    return worker_id


def silence(worker_id: int) -> None:
    """Let the worker have been silent for longer than LEASE_SECONDS."""
    execute("UPDATE state_worker SET heartbeat_at = now() - interval '1 hour' WHERE id = %s", (worker_id,))


def execute(statement: str, parameters: Sequence[Any] = ()) -> list[tuple[object, ...]]:
    """Run a statement and return its rows, if it has any."""
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return cursor.fetchall() if cursor.description else []
