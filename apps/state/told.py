"""What happened, as data for whoever looks on: the development server's live print, or the log.

Texts are as their authors wrote them, cut short where they may be long; whoever shows them makes them fit to be shown.
"""

import msgspec

SHOWN_CHARS = 2_000
"""What is kept of an output or an event's data: more than a line of any terminal."""
ERROR_CHARS = 8 * 1024
"""What is kept of an error's message and of its stack, each."""
LOG_CHARS = 64 * 1024
"""What is kept of an attempt's log."""


class Error(msgspec.Struct):
    """Why something failed."""

    name: str
    message: str
    stack: str = ""


class Told(msgspec.Struct, kw_only=True, omit_defaults=True, tag_field="kind"):
    """Something that happened. `at` is when it was told, in seconds since 1970, by the clock of who told it."""

    at: float = 0.0
    function: str = ""
    """The function's id; "" where the teller does not know it."""

    @property
    def is_loud(self) -> bool:
        """Whether it is shown however much else happens."""
        return False


class EventReceived(Told, tag="event.received"):
    """An event was consumed; `sets_off` counts what is told beside it: of runs that it started, did not start for a
    reason, resumed or cancelled."""

    id: str
    name: str
    data: str = ""
    sets_off: int = 0


class NotStarted(Told, tag="event.not_started"):
    """An event did not start a function that has a trigger for it."""

    event_id: str
    reason: str


class AboutRun(Told):
    """Something that happened to a run."""

    run: str


class RunStarted(AboutRun, tag="run.started"):
    version: int
    reason: str


class RunEnded(AboutRun, tag="run.ended"):
    status: str
    """`completed`, `failed` or `cancelled`."""
    seconds: float
    reason: str
    output: str = ""

    @property
    def is_loud(self) -> bool:
        return self.status == "failed"


class AboutStep(AboutRun):
    """Something that happened to a step. `step` is its author's name for it, "" the call of an SDK's function."""

    step: str
    step_id: str


class StepRunning(AboutStep, tag="step.running"):
    """A step takes long."""

    attempt: int
    seconds: float


class StepTried(AboutStep, tag="step.tried"):
    """An attempt of a step is over."""

    status: str
    """`completed`, `failed` or `retrying`."""
    attempt: int
    attempts: int
    seconds: float
    output: str = ""
    error: Error | None = None
    then: str = ""
    """What follows a failure: `again in 0.5 s`, `the last one`, …"""
    log: str = ""

    @property
    def is_loud(self) -> bool:
        return self.status != "completed"


class StepSaid(AboutStep, tag="step.said"):
    """Something else to be told of a step: it has slept, it is not reached, what it waited for has come."""

    status: str
    """`completed`, `failed`, `not_reached`, `dropped`, `returned` or `timed_out`."""
    reason: str
    output: str = ""

    @property
    def is_loud(self) -> bool:
        return self.status == "failed"


class Sleeping(AboutStep, tag="step.sleeping"):
    """A step is to go on at `until`, in seconds since 1970."""

    until: float


class Waiting(AboutStep, tag="step.waiting"):
    """A run waits for an event, or for a signal; `step` is the one that waits, or after which the run waits."""

    event_name: str
    match: str = ""
    until: float = 0.0
    """In seconds since 1970; 0: for ever."""


class Folded(Told, tag="folded"):
    """More happened than is told one by one: how often what."""

    counts: dict[str, int]


AnyTold = (
    EventReceived
    | NotStarted
    | RunStarted
    | RunEnded
    | StepRunning
    | StepTried
    | StepSaid
    | Sleeping
    | Waiting
    | Folded
)

encode = msgspec.json.Encoder().encode
_decoder = msgspec.json.Decoder(AnyTold)


def decode(text: bytes) -> AnyTold:
    """The record of a line. Raises msgspec.DecodeError."""
    told: AnyTold = _decoder.decode(text)
    return told


def kind_of(told: Told) -> str:
    """Its kind, as it is counted and logged: `run.completed`, `step.retrying`, …"""
    if isinstance(told, RunEnded):
        return f"run.{told.status}"
    if isinstance(told, StepTried | StepSaid):
        return f"step.{told.status}"
    return str(told.__struct_config__.tag)


def shortened(text: str, most: int = SHOWN_CHARS) -> str:
    """The text's beginning, with an ellipsis if that is not all."""
    return text if len(text) <= most else text[: most - 1] + "…"


def both_ends(text: str, most: int = ERROR_CHARS) -> str:
    """The same of a stack, of which either end may be the one that counts."""
    half = most // 2
    return text if len(text) <= most else f"{text[: half - 3]}\n…\n{text[-half:]}"
