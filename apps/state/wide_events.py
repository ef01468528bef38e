"""Wide events: those for which more waits listen than one transaction resumes (rule 16)."""

from django.db import connection


def keep_wide_event(seq: int, after_wait: int) -> None:
    """Remember an event that has waits left, and the one up to which it has been."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO state_wideevent (seq, after_wait) VALUES (%s, %s)"
            " ON CONFLICT (seq) DO UPDATE SET after_wait = excluded.after_wait",
            (seq, after_wait),
        )


def take_wide_event() -> tuple[int, int] | None:
    """Take one, with the wait up to which it has been; it stays if the transaction fails."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT seq, after_wait FROM state_wideevent ORDER BY seq LIMIT 1 FOR UPDATE SKIP LOCKED")
        row: tuple[int, int] | None = cursor.fetchone()
        return row


def end_wide_event(seq: int) -> None:
    """It has resumed every wait that it is for."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM state_wideevent WHERE seq = %s", (seq,))


def wide_events() -> list[int]:
    """The numbers of the events that have waits left."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT seq FROM state_wideevent ORDER BY seq LIMIT 1000")
        return [row[0] for row in cursor.fetchall()]
