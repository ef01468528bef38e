"""Whether an error lies in a row, or in the database and its surroundings (rule 8)."""

import psycopg
from django.db import Error as DjangoDatabaseError

_ROW_CLASSES = {"22", "23", "54", "P0"}
"""SQLSTATE classes: data exception, integrity constraint violation, program limit exceeded, a trigger's refusal."""


def lies_in_a_row(error: Exception) -> bool:
    """True if the same row would fail again and its neighbours would not; False if all would, until something changes.

    A lost connection, a standby that accepts no writes, a migration that is not there yet: none is the row's fault, and
    whoever meets one keeps what it has and tries again.
    """
    if not isinstance(error, DjangoDatabaseError | psycopg.Error):
        return True
    cause = error if isinstance(error, psycopg.Error) else error.__cause__
    if not isinstance(cause, psycopg.Error):
        return False
    if cause.sqlstate is None:  # refused before it was sent, as a NUL in a text is
        return isinstance(cause, psycopg.DataError)
    return cause.sqlstate[:2] in _ROW_CLASSES
