"""What the database does for a statement: its plan, prepared once and kept as the server keeps it, and run for real."""

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from itertools import count
from typing import Any, NamedTuple

from django.db import connection
from psycopg import sql

_PLACEHOLDER = re.compile(r"%(?:\((\w+)\))?[sb]")


_TYPES = {bool: "boolean", int: "bigint", float: "double precision", datetime: "timestamptz"}


class Scan(NamedTuple):
    """One node of a plan that reads a table."""

    kind: str
    table: str
    rows: int
    """Rows that it looked at, also those that it threw away."""


class Explained(NamedTuple):
    """What one execution of a statement did."""

    statement: str
    scans: list[Scan]
    pages: int
    """Pages that it touched, in memory or not."""


class Explainer:
    """Explains each statement that the block executes, just before it is executed.

    A statement is prepared when it is first seen; later executions reuse that plan, whatever became of the tables.
    """

    def __init__(self) -> None:
        self.seen: list[Explained] = []
        self._prepared: dict[str, str] = {}

    @contextmanager
    def watch(self) -> Iterator[list[Explained]]:
        """The statements of the block, in their order."""
        self.seen = []
        with connection.execute_wrapper(self._explain):
            yield self.seen

    def _explain(self, execute: Any, statement: Any, parameters: Any, many: bool, context: Any) -> Any:
        text = str(statement)
        if text.lstrip().startswith(("SELECT", "WITH", "UPDATE", "DELETE", "INSERT")):
            self.seen.append(self._run(text, parameters or ()))
        return execute(statement, parameters, many, context)

    def _run(self, text: str, parameters: Sequence[object] | Mapping[str, object]) -> Explained:
        numbers = count(1)
        places: defaultdict[str, int] = defaultdict(lambda: next(numbers))
        prepared = _PLACEHOLDER.sub(lambda found: f"${places[found[1] or str(found.start())]}", text)
        values = [parameters[name] for name in places] if isinstance(parameters, Mapping) else list(parameters)
        connection.ensure_connection()
        own = connection.connection
        # Past psycopg, which after a rollback forgets every prepared statement.
        own.pgconn.exec_(b"SAVEPOINT explaining")
        with own.cursor() as cursor:
            if text not in self._prepared:
                name = f"explained_{id(self)}_{len(self._prepared)}"
                types = f"({', '.join(map(_type_of, values))})" if values else ""
                cursor.execute(f"PREPARE {name}{types} AS {prepared}", prepare=False)
                self._prepared[text] = name
            call = sql.SQL("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) EXECUTE {}").format(
                sql.SQL(self._prepared[text])  # a name of our own
            )
            if values:
                call += sql.SQL("({})").format(sql.SQL(", ").join(sql.Literal(value) for value in values))
            cursor.execute(call, prepare=False)
            (found,) = cursor.fetchone() or ("",)
        own.pgconn.exec_(b"ROLLBACK TO SAVEPOINT explaining")
        plan = (json.loads(found) if isinstance(found, str) else found)[0]["Plan"]
        pages = plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]
        return Explained(text, list(_scans(plan)), pages)


def _type_of(value: object) -> str:
    """The type that psycopg gives a parameter; what it leaves to the server is `unknown`."""
    return next((name for python, name in _TYPES.items() if isinstance(value, python)), "unknown")


def _scans(plan: Mapping[str, Any]) -> Iterator[Scan]:
    if "Scan" in plan["Node Type"] and ("Relation Name" in plan or "Index Name" in plan):
        removed = plan.get("Rows Removed by Filter", 0) + plan.get("Rows Removed by Index Recheck", 0)
        rows = round((plan["Actual Rows"] + removed) * plan["Actual Loops"])
        yield Scan(plan["Node Type"], plan.get("Relation Name", plan.get("Index Name", "")), rows)
    for child in plan.get("Plans", ()):
        yield from _scans(child)
