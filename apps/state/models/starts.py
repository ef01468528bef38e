"""What decides whether an event starts a function, and what is said where it did not."""

from django.db import models


class GuardKind(models.TextChoices):
    IDEMPOTENCY = "idempotency"
    THROTTLE = "throttle"


class StartGuard(models.Model):
    """How often a function was started for one key since the guard's window began (rule 13)."""

    pk = models.CompositePrimaryKey("function_id", "kind", "key")
    function_id = models.BigIntegerField()
    kind = models.CharField(max_length=11, choices=GuardKind, db_collation="C")
    key = models.CharField(max_length=200, db_collation="C")
    count = models.IntegerField()
    event_id = models.CharField(max_length=26, db_collation="C")
    """The internal id of the event that began the window."""
    expires_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"{self.kind} {self.key}"


class NotStarted(models.Model):
    """A function that has a trigger for an event and was not started by it, and why."""

    pk = models.CompositePrimaryKey("event_seq", "function_id")
    event_seq = models.BigIntegerField()
    function_id = models.BigIntegerField()
    version_id = models.BigIntegerField()
    why = models.CharField(max_length=16)
    """`expression`, `expression error`, `idempotency`, `throttle`."""
    reason = models.TextField()

    def __str__(self) -> str:
        return f"{self.event_seq}: {self.reason}"
