"""Waits: what runs listen for. Rows change only through the verbs of `waits.py`, `probes.py` and `wide_events.py`."""

from django.db import models
from django.db.models import Q

from apps.datastore.models import Function
from apps.state.models.runs import Run


class WaitKind(models.TextChoices):
    STEP = "step"
    """Its end decides which steps follow; its run goes on as long as it is open."""
    CANCEL = "cancel"
    """Its event cancels the run."""
    SDK = "sdk"
    """It is a step of an SDK's function, and ends with it."""
    SIGNAL = "signal"
    """The same, for a signal: `event_name` says for which."""


class WaitStatus(models.TextChoices):
    OPEN = "open"
    ARRIVED = "arrived"
    TIMED_OUT = "timed out"
    CANCELLED = "cancelled"
    """Its run has ended."""


class Wait(models.Model):
    """A run listens for an event. A guarded update ends it once (rule 14)."""

    run = models.ForeignKey(Run, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False)
    environment_id = models.BigIntegerField()
    function = models.ForeignKey(Function, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False)
    kind = models.CharField(max_length=6, choices=WaitKind)
    sources = models.TextField()
    """The step that it follows, or $trigger; the steps of a join by comma; of an SDK's wait, its own step."""
    event_name = models.TextField(db_collation="C")
    match = models.TextField(null=True)
    """CEL over `event`, `steps`, `response` and `async`; null takes any event of the name."""
    paths = models.TextField(db_collation="C")
    """JSON text: the paths in the event whose values `match` wants to be equal to something known now."""
    key = models.BigIntegerField()
    """Hash of the values wanted at `paths`; 0 where there are none."""
    since_seq = models.BigIntegerField()
    """It listens for events with a greater number."""
    opened_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True)
    """The last moment at which its event may be received; null: none."""
    branches = models.TextField()
    """JSON text of `walking.Branches`: the steps that follow if its event arrives, and if it does not."""
    status = models.CharField(max_length=9, choices=WaitStatus, default=WaitStatus.OPEN)
    ended_at = models.DateTimeField(null=True)
    event_seq = models.BigIntegerField(null=True)
    """The event that arrived."""

    class Meta:
        constraints = (
            models.CheckConstraint(condition=Q(kind__in=WaitKind.values), name="wait_kind"),
            models.CheckConstraint(condition=Q(status__in=WaitStatus.values), name="wait_status"),
            models.CheckConstraint(
                condition=Q(status=WaitStatus.OPEN, ended_at=None)
                | (~Q(status=WaitStatus.OPEN) & Q(ended_at__isnull=False)),
                name="wait_ended_with_its_time",
            ),
            models.CheckConstraint(
                condition=Q(status=WaitStatus.ARRIVED, event_seq__isnull=False)
                | (~Q(status=WaitStatus.ARRIVED) & Q(event_seq=None)),
                name="wait_arrived_with_its_event",
            ),
            # Of two runs that wait for one signal, one would never hear of it.
            models.UniqueConstraint(
                fields=("environment_id", "event_name"),
                name="wait_one_for_a_signal",
                condition=Q(kind="signal", status="open"),
            ),
        )
        indexes = (
            # An event probes it by its name and the values at the paths; no other wait is looked at.
            models.Index(
                fields=("environment_id", "event_name", "paths", "key", "id"),
                name="wait_listening",
                condition=Q(status=WaitStatus.OPEN),
            ),
            models.Index(
                fields=("expires_at", "id"),
                name="wait_expiring",
                condition=Q(status=WaitStatus.OPEN, expires_at__isnull=False),
            ),
            models.Index(fields=("run", "id"), name="wait_of_run"),
            # What an event resumed and cancelled.
            models.Index(fields=("event_seq", "id"), name="wait_of_event", condition=Q(event_seq__isnull=False)),
        )

    def __str__(self) -> str:
        return f"{self.run_id} {self.event_name}"


class Probe(models.Model):
    """A wait that has not yet looked at the events since it began to listen that were consumed before it was open."""

    wait_id = models.BigIntegerField(primary_key=True)
    after_seq = models.BigIntegerField()
    """It has looked at the events up to this one."""
    due_at = models.DateTimeField()
    """When it is to look next: at once, or after a while if something went wrong."""

    class Meta:
        indexes = (models.Index(fields=("due_at", "wait_id"), name="probe_due"),)

    def __str__(self) -> str:
        return f"wait {self.wait_id}"


class WideEvent(models.Model):
    """An event with more waits than one transaction resumes: consumed but for the waits after `after_wait`."""

    seq = models.BigIntegerField(primary_key=True)
    after_wait = models.BigIntegerField()

    def __str__(self) -> str:
        return str(self.seq)
