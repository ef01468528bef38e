"""What an SDK's function may ask for, in our words."""

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from apps.datastore.definition.durations import MAX_SECONDS


class Asked(NamedTuple):
    """The step that an opcode is about."""

    step_id: str
    name: str
    calls_again: str


class StepRan(NamedTuple):
    """A step has run: `value` is its output, or, if it failed for good, its error (JSON text)."""

    step: Asked
    ok: bool
    value: str


class StepFailing(NamedTuple):
    """A step has failed and may be tried again."""

    step: Asked
    error: str


class RunStep(NamedTuple):
    """A step is to be run by a call of its own."""

    step: Asked


class Sleep(NamedTuple):
    step: Asked
    until: float | datetime
    """Seconds from now, or a time."""


class WaitForEvent(NamedTuple):
    step: Asked
    event: str
    match: str | None
    timeout: float | datetime


class WaitForSignal(NamedTuple):
    step: Asked
    signal: str
    timeout: float | datetime
    replaces: bool


class Invoke(NamedTuple):
    step: Asked
    function_id: str
    data: bytes
    user: bytes
    v: str | None
    timeout: float | datetime | None


class Request(NamedTuple):
    """An HTTP request that the server makes: `op` is `fetch` or `infer`, `opts` JSON text."""

    step: Asked
    op: str
    opts: str


class Returned(NamedTuple):
    """The function has returned this value (JSON text)."""

    value: str


class CallAgain(NamedTuple):
    """Another call is asked for."""


class Unsupported(NamedTuple):
    """Something that this server does not do, and what it is: what came with it is done, and the function fails."""

    what: str


Opcode = (
    StepRan
    | StepFailing
    | RunStep
    | Sleep
    | WaitForEvent
    | WaitForSignal
    | Invoke
    | Request
    | Returned
    | CallAgain
    | Unsupported
)


def moment_after(now: datetime, until: float | datetime) -> datetime:
    """When a duration or a time is over: of the past just before now, and not later than the longest duration.

    The database takes times that no one can read back.
    """
    first, last = now - timedelta(seconds=1), now + timedelta(seconds=MAX_SECONDS)
    if not isinstance(until, datetime):
        return now + timedelta(seconds=until)
    until = until if until.tzinfo is not None else until.replace(tzinfo=UTC)
    return min(max(until, first), last)
