"""Newest first, a page at a time, at a cost that depends neither on the table's size nor on how much is skipped.

A page is a stretch of an index, walked backwards from where the page before ended; nothing is counted or skipped by
number. Rows that a filter leaves out are walked over, at most SCAN of them for a page: a filter that few rows pass
gives short pages with a next one, instead of one that reads a million rows.
"""

from typing import Any, NamedTuple

from django.db import connection
from psycopg import sql

SCAN = 10_000

Condition = tuple[sql.SQL, Any]
"""A condition on a row's columns, and its one parameter."""


class Walk(NamedTuple):
    """A stretch of an index, and which of its rows are wanted."""

    table: str
    columns: tuple[str, ...]
    """The index's; the last is the position."""
    fixed: tuple[Any, ...]
    """The value of each column but the last."""
    below: Any
    """Where the walk begins, not included."""
    down_to: Any
    """Where it ends, included."""
    filters: tuple[Condition, ...]


class Stretch(NamedTuple):
    """What a walk has found, and the position below which the next one goes on; None if that was all."""

    positions: list[Any]
    ended_at: Any | None


def walk(path: Walk, limit: int) -> Stretch:
    """Two statements, whatever they find. The first marks the end, so that rows added between them shift nothing."""
    horizon = _positions(path._replace(filters=()), sql.SQL("OFFSET {} LIMIT 1").format(SCAN))
    if horizon:
        path = path._replace(down_to=horizon[0])
    # A literal limit: a plan made for an unknown one takes a tenth of the table to be wanted.
    found = _positions(path, sql.SQL("LIMIT {}").format(limit + 1))
    if len(found) > limit:
        return Stretch(found[:limit], found[limit - 1])
    return Stretch(found, horizon[0] if horizon else None)


def _positions(path: Walk, amount: sql.Composable) -> list[Any]:
    # Rows are compared, and ordered by every column, because "column = value ORDER BY position" would also allow a walk
    # along the primary key that leaves out all others' rows. And filters stand in a CASE, into which the planner does
    # not see: where it believes that next to nothing passes them, it takes any index and sorts.
    columns = [sql.Identifier(column) for column in path.columns]
    values = sql.SQL(", ").join([sql.Placeholder()] * len(columns))
    statement = sql.SQL(
        "SELECT {position} FROM {table} WHERE ({columns}) < ({values}) AND ({columns}) >= ({values})"
        " AND CASE WHEN {filters} THEN TRUE END"
        " ORDER BY {order} {amount}"
    ).format(
        position=columns[-1],
        table=sql.Identifier(path.table),
        columns=sql.SQL(", ").join(columns),
        values=values,
        filters=sql.SQL(" AND ").join([sql.SQL("TRUE"), *(condition for condition, _ in path.filters)]),
        order=sql.SQL(", ").join([sql.SQL("{} DESC").format(column) for column in columns]),
        amount=amount,
    )
    parameters = [*path.fixed, path.below, *path.fixed, path.down_to, *(value for _, value in path.filters)]
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return [row[0] for row in cursor.fetchall()]
