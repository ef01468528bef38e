"""The Event Stream's rows: every event accepted, numbered, and which of them are still to be consumed.

An environment is a number here: the stream and the DataStore lie side by side and do not know each other.
"""

from django.db import models


class Event(models.Model):
    """One receipt of an event. Append-only.

    Receipts with the same `event_id` within the deduplication window share an `internal_id`; only the first of them
    enters the inbox.
    """

    seq = models.BigAutoField(primary_key=True)
    internal_id = models.CharField(max_length=26, db_collation="C", db_index=False)
    environment_id = models.BigIntegerField()
    name = models.TextField(db_collation="C")
    payload = models.TextField()
    """The whole event as JSON text, opaque to us: name, data, user, id, ts, v."""
    received_at = models.DateTimeField()
    duplicate = models.BooleanField(default=False)

    class Meta:
        indexes = (
            models.Index(fields=("internal_id",), name="event_internal_id"),
            models.Index(fields=("environment_id", "name", "seq"), name="event_by_name"),
        )

    def __str__(self) -> str:
        return f"{self.name} {self.internal_id}"


class InboxEntry(models.Model):
    """An event that has not been consumed; deleted in the transaction that consumes it."""

    seq = models.BigIntegerField(primary_key=True)

    class Meta:
        db_table = "event_stream_inbox"
        verbose_name_plural = "inbox entries"

    def __str__(self) -> str:
        return str(self.seq)


class ParkedEvent(models.Model):
    """An event that could not be consumed, and why; retried by hand (`manage.py parked_events`)."""

    seq = models.BigIntegerField(primary_key=True)
    reason = models.TextField()
    parked_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.seq}: {self.reason}"


class SeenEventId(models.Model):
    """An event id given by a sender, remembered for a while so that a repeated POST starts nothing."""

    pk = models.CompositePrimaryKey("environment_id", "event_id")
    environment_id = models.BigIntegerField()
    event_id = models.TextField(db_collation="C")
    internal_id = models.CharField(max_length=26, db_collation="C")
    expires_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return self.event_id
