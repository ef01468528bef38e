"""Who works: worker processes by their heartbeat, and the pulse of beat."""

from django.db import models


class Worker(models.Model):
    """A worker process. While its row is there its leases hold; when it falls silent the row goes, and they with it."""

    name = models.CharField(max_length=255)
    queues = models.TextField()
    """Names of the Celery queues that it consumes, by comma."""
    started_at = models.DateTimeField()
    heartbeat_at = models.DateTimeField()
    faults = models.TextField(db_default="")
    """What keeps it from running steps of some of its queues, as in `docker: the engine does not answer`; empty if
    nothing does."""

    def __str__(self) -> str:
        return self.name


class Pulse(models.Model):
    """When a chore that beat rings for ran last: the sign that beat, broker and a chores worker live."""

    chore = models.CharField(primary_key=True, max_length=32)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.chore} {self.at}"
