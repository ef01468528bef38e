"""The queue: one small table per state of an item. Moving the row is the transition (rule 2).

An item is one attempt of one step. Its id comes from one sequence, `state_queue_item_id`, and stays with it from table
to table.
"""

from django.db import models


class QueueItem(models.Model):
    id = models.BigIntegerField(primary_key=True)
    queue = models.CharField(max_length=32, db_collation="C")
    function_id = models.BigIntegerField()
    run_id = models.CharField(max_length=26, db_collation="C")
    step_id = models.CharField(max_length=255, db_collation="C")
    attempt = models.PositiveSmallIntegerField()
    """Counts from 1."""
    priority = models.SmallIntegerField(default=0)
    """A higher one goes first among the items of its function."""
    returns = models.PositiveSmallIntegerField(default=0)
    """How often it has come back from a worker that was gone."""
    since_seq = models.BigIntegerField(null=True)
    """How far the event stream had got when the step was first claimed: its waits listen from there on."""
    plan_only = models.BooleanField(db_default=False)
    """An SDK's function is to say what comes next and run none of it: other calls of it may be under way."""

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.run_id}/{self.step_id} #{self.attempt}"


class ScheduledItem(QueueItem):
    """Due later."""

    due_at = models.DateTimeField(db_index=True)


class ReadyItem(QueueItem):
    """Waiting for a worker."""

    class Meta:
        indexes = (
            # The claim walks it: function by function, then by priority and age.
            models.Index("queue", "function_id", models.F("priority").desc(), "id", name="ready_claim"),
        )


class LeasedItem(QueueItem):
    """With a worker, for as long as that worker lives."""

    worker_id = models.BigIntegerField(db_index=True)
    leased_at = models.DateTimeField()
