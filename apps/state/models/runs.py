"""Runs and what became of them. Rows change only through the verbs of `transitions.py` and `steps.py`.

No foreign key is enforced by the database: the tables are hot, and their rows are written by one owner.
"""

from django.db import models
from django.db.models import Q

from apps.datastore.models import Environment, Function, FunctionVersion


class RunStatus(models.TextChoices):
    QUEUED = "queued"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


ENDED = (RunStatus.COMPLETED, RunStatus.FAILED, RunStatus.CANCELLED)


class StepStatus(models.TextChoices):
    OPEN = "open"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Op(models.TextChoices):
    """What a step of an SDK's function is."""

    FUNCTION = "function"
    """The function itself: it ends when the function returns, and with it the run."""
    RUN = "run"
    SLEEP = "sleep"
    WAIT_FOR_EVENT = "waitForEvent"
    WAIT_FOR_SIGNAL = "waitForSignal"
    INVOKE = "invoke"
    FETCH = "fetch"
    INFER = "infer"


class CallsAgain(models.TextChoices):
    LAST = "last"
    """Once no other such step is open."""
    EACH = "each"
    """At once."""


class Run(models.Model):
    """One execution of one version of a function, in response to one event."""

    id = models.CharField(primary_key=True, max_length=26, db_collation="C")
    environment = models.ForeignKey(Environment, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False)
    function = models.ForeignKey(Function, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False)
    version = models.ForeignKey(FunctionVersion, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False)
    event_seq = models.BigIntegerField()
    status = models.CharField(max_length=10, choices=RunStatus, default=RunStatus.QUEUED)
    queued_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    invoker_id = models.CharField(max_length=26, db_collation="C", null=True)
    """The run that invoked it and goes on when it ends."""
    invoker_step_id = models.CharField(max_length=255, db_collation="C", null=True)
    is_about_runs = models.BooleanField(db_default=False)
    """It began with an event about the end of a run, or was invoked by such a run: none is sent about its own."""

    class Meta:
        constraints = (
            # An event starts a function once, however often the event is consumed.
            models.UniqueConstraint(fields=("event_seq", "function"), name="run_once_per_event"),
            models.CheckConstraint(condition=Q(status__in=RunStatus.values), name="run_status"),
            models.CheckConstraint(
                condition=Q(status__in=ENDED, ended_at__isnull=False) | (~Q(status__in=ENDED) & Q(ended_at=None)),
                name="run_ended_with_its_time",
            ),
        )
        indexes = (models.Index(fields=("function", "id"), name="run_by_function"),)

    def __str__(self) -> str:
        return self.id


class Step(models.Model):
    """A step of a run, inserted when it is planned; a guarded update finishes it once."""

    pk = models.CompositePrimaryKey("run_id", "step_id")
    run = models.ForeignKey(Run, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False)
    step_id = models.CharField(max_length=255, db_collation="C")
    status = models.CharField(max_length=10, choices=StepStatus, default=StepStatus.OPEN)
    item_id = models.BigIntegerField()
    """The queue item of its current attempt, by which a cancellation finds it without an index on the queue."""
    attempts = models.PositiveSmallIntegerField(default=0)
    async_seq = models.BigIntegerField(null=True)
    """The event that led here, where one was waited for."""
    output = models.TextField(null=True)
    error = models.TextField(null=True)
    queued_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    # Of an SDK's function, whose steps are found out by calling it.
    op = models.CharField(max_length=16, choices=Op, null=True)
    name = models.TextField(null=True)
    """As its author wrote it; the id is a hash."""
    calls_again = models.CharField(max_length=4, choices=CallsAgain, null=True)
    """When its end has the function called again; null: its end is an answer of the function, not waited for."""
    input = models.TextField(null=True)
    """JSON text: what it takes to do it, until it ends."""
    ended_seq = models.BigIntegerField(null=True)
    """Greater than those of the run's steps that ended before."""
    calls = models.PositiveSmallIntegerField(null=True)
    """Of the function itself: how many calls of it are queued or under way."""
    request_version = models.SmallIntegerField(null=True)
    """Of the function itself: the version of the protocol in which it answered last."""

    class Meta:
        constraints = (
            models.CheckConstraint(condition=Q(status__in=StepStatus.values), name="step_status"),
            models.CheckConstraint(
                condition=Q(status=StepStatus.OPEN, ended_at=None)
                | (~Q(status=StepStatus.OPEN) & Q(ended_at__isnull=False)),
                name="step_ended_with_its_time",
            ),
            models.CheckConstraint(
                condition=Q(status=StepStatus.COMPLETED, output__isnull=False)
                | ~Q(status=StepStatus.COMPLETED) & (Q(error__isnull=False) | ~Q(status=StepStatus.FAILED)),
                name="step_ended_with_its_result",
            ),
        )
        # An event that led to a step is kept as long as that step.
        indexes = (models.Index(fields=("async_seq",), name="step_after_event", condition=Q(async_seq__isnull=False)),)

    def __str__(self) -> str:
        return f"{self.run_id}/{self.step_id}"


class Attempt(models.Model):
    """One finished try of a step: when, how it ended, and what it logged."""

    pk = models.CompositePrimaryKey("run_id", "step_id", "number")
    run = models.ForeignKey(Run, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False)
    step_id = models.CharField(max_length=255, db_collation="C")
    number = models.PositiveSmallIntegerField()
    """Counts from 1."""
    ok = models.BooleanField()
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField()
    error = models.TextField(null=True)
    log = models.TextField(default="")

    def __str__(self) -> str:
        return f"{self.run_id}/{self.step_id} #{self.number}"


class History(models.Model):
    """What happened to a run and its steps, in order, and why."""

    run = models.ForeignKey(Run, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False)
    at = models.DateTimeField()
    kind = models.CharField(max_length=32)
    """`run.queued`, `run.completed`, `run.failed`, `run.cancelled`; `step.completed`, `step.failed`,
    `step.retrying`, `step.waiting` (what runs it was away), `step.returned` (its worker was gone), `step.dropped` (its
    run had ended), `step.not_reached` (an edge to it was not walked); `wait.opened`, `wait.arrived`, `wait.timed_out`,
    of the step that is waited after."""
    step_id = models.TextField(null=True)
    """Of a wait after a join, its steps by comma."""
    reason = models.TextField()

    class Meta:
        indexes = (models.Index(fields=("run", "id"), name="history_of_run"),)
        verbose_name_plural = "history"

    def __str__(self) -> str:
        return f"{self.run_id} {self.kind}: {self.reason}"
