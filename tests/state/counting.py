"""How many statements a piece of work costs. Savepoints are left out: only tests have them around a transaction."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection


@contextmanager
def statements() -> Iterator[list[str]]:
    """The statements that the block executes, in their order, on one line each."""
    seen: list[str] = []

    def note(execute: Any, statement: Any, parameters: Any, many: bool, context: Any) -> Any:
        text = " ".join(str(statement).split())
        if not text.startswith(("SAVEPOINT", "RELEASE SAVEPOINT")):
            seen.append(text)
        return execute(statement, parameters, many, context)

    with connection.execute_wrapper(note):
        yield seen
