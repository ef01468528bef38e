"""Time is the database's (rule 10): one reading a transaction, handed on as `now`."""

from datetime import datetime

from django.db import connection


def read_now() -> datetime:
    """The database's time: that of the transaction's start, or of this statement outside one."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT now()")
        row = cursor.fetchone()
    now: datetime = row[0]
    return now
