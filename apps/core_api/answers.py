"""The shapes of answers. They are what is encoded and, in `/v1/openapi.json`, what is described."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from django.utils import timezone

RunStatus = Literal["Queued", "Running", "Completed", "Failed", "Cancelled"]
RUN_STATUSES: tuple[RunStatus, ...] = ("Queued", "Running", "Completed", "Failed", "Cancelled")
RunPhase = Literal["Queued", "Running", "Sleeping", "Waiting"]
StepStatus = Literal[
    "Pending", "Queued", "Sleeping", "Waiting", "Retrying", "Running", "Completed", "Failed", "Cancelled", "Skipped"
]
StepOp = Literal["StepRun", "Sleep", "WaitForEvent", "WaitForSignal", "InvokeFunction", "Gateway", "AIGateway"]
WaitKind = Literal["step", "cancel", "sdk", "signal"]
WaitStatus = Literal["Open", "Arrived", "TimedOut", "Cancelled"]

_EVENT = {
    "type": "object",
    "description": "The event as it was sent, and what the server knows of this receipt of it.",
    "required": ["internal_id", "received_at", "environment_id", "duplicate", "name"],
    "properties": {
        "internal_id": {"type": "string", "description": "Receipts of one `id` within a day share it."},
        "received_at": {"type": "string", "format": "date-time"},
        "environment_id": {"type": "string", "format": "uuid"},
        "duplicate": {"type": "boolean", "description": "Its `id` had been seen: this receipt started nothing."},
        "id": {"type": "string"},
        "name": {"type": "string"},
        "data": {"type": "object"},
        "user": {"type": "object"},
        "ts": {"type": "integer", "description": "Milliseconds since 1970."},
        "v": {"type": "string"},
    },
}
Event = Annotated[msgspec.Raw, msgspec.Meta(extra_json_schema=_EVENT)]
Json = Annotated[msgspec.Raw, msgspec.Meta(description="Any JSON, as the step gave it.")]
StepError = Annotated[
    msgspec.Raw,
    msgspec.Meta(
        extra_json_schema={
            "type": "object",
            "properties": {name: {"type": "string"} for name in ("name", "message", "stack")},
        }
    ),
]
Omitted = Annotated[
    bool, msgspec.Meta(description="Its texts are null because the answer would be too large with them.")
]


class Receipt(msgspec.Struct):
    """What an event answer adds to the sender's own fields."""

    internal_id: str
    received_at: datetime
    environment_id: UUID
    duplicate: bool


class Invoker(msgspec.Struct):
    """The step of a run that invoked another."""

    run_id: str
    step_id: str


class Run(msgspec.Struct, kw_only=True):
    run_id: str
    run_started_at: datetime | None
    function_id: str
    function_version: int
    environment_id: UUID
    event_id: str | None
    """None once the event's retention is over."""
    event_ids: list[str]
    invoked_by: Invoker | None
    """The step that goes on when this run ends."""
    status: RunStatus
    phase: RunPhase | None
    """What it is doing now: a worker has something of it; something is ready for one; an event is awaited; or nothing
    but the time of a step or of its next try. None once the run has ended."""
    queued_at: datetime
    ended_at: datetime | None
    output: Json | None = None
    omitted: Omitted = False


class Try(msgspec.Struct, kw_only=True):
    number: int
    ok: bool
    started_at: datetime
    ended_at: datetime
    error: StepError | None
    log: str | None
    omitted: Omitted


class WaitsFor(msgspec.Struct, kw_only=True):
    """What ends a step of an SDK's function that waits. Of an invoked function, only until when."""

    event: str | None = None
    signal: str | None = None
    match: str | None = None
    expires_at: datetime | None = None


class Step(msgspec.Struct, kw_only=True):
    id: str
    """Of an SDK's function, the SDK's hash of what the author wrote."""
    name: str
    op: StepOp = "StepRun"
    status: StepStatus
    reason: str | None = None
    """Why it is skipped, or waits for what runs it, as the Docker engine."""
    attempts: int = 0
    output: Json | None = None
    error: StepError | None = None
    event_id: str | None = None
    """The event that led to it, where one was waited for; None too once that event's retention is over."""
    queued_at: datetime | None = None
    """None if it has not been reached."""
    due_at: datetime | None = None
    """When it is tried, or has slept, while that is not yet."""
    waits_for: WaitsFor | None = None
    started_at: datetime | None = None
    """None too for what no worker has to do with: it sleeps or waits from `queued_at` to `ended_at`."""
    ended_at: datetime | None = None
    tries: list[Try] = []
    omitted: Omitted = False


class Wait(msgspec.Struct, kw_only=True):
    kind: WaitKind
    """`step`: its end decides which steps follow. `cancel`: its event cancels the run. `sdk` and `signal`: it is a step
    of an SDK's function, which waits for an event or a signal."""
    after: list[str]
    """The step that it follows, or $trigger; of a join, all of its steps. None for a wait that is a step itself."""
    step_id: str | None
    """The step that it is."""
    step_name: str | None
    event: str | None
    """None of a wait for a signal."""
    signal: str | None
    match: str | None
    status: WaitStatus
    opened_at: datetime
    expires_at: datetime | None
    ended_at: datetime | None
    event_id: str | None
    """The event that arrived; None too once that event's retention is over."""


class RunWait(Wait, kw_only=True):
    run_id: str
    function_id: str


class RunWithSteps(Run, kw_only=True):
    tries: list[Try]
    """Of an SDK's function: the calls that ended with the function itself, and not with one of its steps."""
    steps: list[Step]
    waits: list[Wait]
    """At most 100: the open ones first, and the newest first among those that are open and that are not."""


class Start(msgspec.Struct, kw_only=True):
    """A function that has a trigger for an event, and whether the event started it."""

    function_id: str
    function_version: int
    started: bool
    run_id: str | None
    why: str | None
    """Why not: `expression`, `expression error`, `idempotency` or `throttle`."""
    reason: str | None
    """The same in a sentence."""


class Invoked(msgspec.Struct, kw_only=True):
    """A run that was asked for directly."""

    id: str
    """Of the event that it was given."""
    ids: list[str]
    run_id: str
    status: int


class SignalReceiver(msgspec.Struct):
    """The run that waited for a signal, and has it now."""

    run_id: str


class HistoryEntry(msgspec.Struct, kw_only=True):
    at: datetime
    kind: str
    step_id: str | None
    reason: str


class Metadata(msgspec.Struct):
    fetched_at: datetime
    cached_until: datetime
    """Nothing is cached, so the two are the same."""


class Page(msgspec.Struct):
    limit: int
    next_cursor: str | None
    """For the parameter `cursor`. A page may have fewer entries than `limit`, even none, and still have a next one."""


def metadata_now() -> Metadata:
    now = timezone.now()
    return Metadata(now, now)


class Answer(msgspec.Struct, kw_only=True):
    metadata: Metadata = msgspec.field(default_factory=metadata_now)


class EventAnswer(Answer):
    data: Event


class EventsAnswer(Answer):
    data: list[Event]
    page: Page


class RunAnswer(Answer):
    data: RunWithSteps


class RunsAnswer(Answer):
    data: list[Run]
    page: Page


class StepAnswer(Answer):
    data: Step


class StartsAnswer(Answer):
    data: list[Start]
    page: Page


class WaitsAnswer(Answer):
    data: list[RunWait]
    page: Page


class SignalAnswer(Answer):
    data: SignalReceiver


class HistoryAnswer(Answer):
    data: list[HistoryEntry]
    page: Page
