"""A function's definition as the rest of the server reads it: checked, complete and immutable.

A version keeps this form as JSON text (`to_json`), so what runs is what was checked at deploy. Fields
may be added with a default; none may change its meaning, because old versions are read for ever.
"""

from functools import cached_property

import msgspec

TRIGGER = "$trigger"
"""The name that an edge gives to the trigger. It is not a slug, so no step can be called that."""


class EventTrigger(msgspec.Struct, frozen=True, omit_defaults=True):
    event: str
    expression: str | None = None
    """CEL over `event`; None lets every event start the function."""
    schema: str | None = None
    """JSON text of the JSON schema that describes the whole event (`name`, `data`, `user`, …), if it has one."""


class CronTrigger(msgspec.Struct, frozen=True):
    cron: str
    """As it was written, its time zone included."""
    schedule: str
    """Five fields."""
    timezone: str = "UTC"


class Throttle(msgspec.Struct, frozen=True):
    """At most `count` starts in `period` seconds for each value of `key`; those beyond are dropped."""

    count: int
    period: float
    key: str | None = None


class CancelOn(msgspec.Struct, frozen=True):
    """An event that cancels the function's runs."""

    event: str
    condition: str | None = None
    """CEL over `event` and `async`, the arriving event; None cancels every run."""
    timeout: float | None = None
    """Seconds from a run's start in which the event cancels it; None is for ever."""


class Async(msgspec.Struct, frozen=True):
    """An event to wait for."""

    event: str
    ttl: float
    """Seconds."""
    match: str | None = None
    """CEL over `event`, `steps`, `response` and `async`, the arriving event; None takes the first one."""


class Edge(msgspec.Struct, frozen=True, omit_defaults=True):
    step: str = ""
    """The step that it comes from, or TRIGGER; "" for a join."""
    steps: tuple[str, ...] = ()
    """A join: walked once, when all of these have completed."""
    condition: str | None = None
    """The `if`: CEL over `event`, `steps` and `response`."""
    wait: float | str | None = None
    """Seconds, or CEL that gives a duration, a time or seconds."""
    listen: Async | None = None
    """The `async`."""
    on_timeout: bool = False
    """Walked if the event has not come in time, instead of when it comes."""

    @property
    def sources(self) -> tuple[str, ...]:
        return self.steps or (self.step,)

    @property
    def is_plain(self) -> bool:
        """Walked at once, whatever the step gave."""
        return not (self.steps or self.condition or self.listen) and self.wait is None


class Runtime(msgspec.Struct, frozen=True):
    type: str
    options: dict[str, str | int | float | bool | list[str]] = {}
    """What the driver gets beside the type; paths are seen from the step's `path`, as in "index.ts".

    docker: `image` or `dockerfile`, always one of them; `memory` (bytes), `cpus` and `pids` where they are given. http:
    `url`. typescript: `entrypoint`, always given; `hosts` if `fetch` may go anywhere. wasm: `module`, always given;
    `build` if there is a command that makes it. Others: what they say of themselves (`drivers.runtime`).
    """


class Step(msgspec.Struct, frozen=True):
    id: str
    name: str
    path: str
    """The step's folder within the function's, as in "steps/compose"; "" is the function's own folder."""
    runtime: Runtime
    after: tuple[Edge, ...]
    attempts: int
    """How many tries there are in all; at least 1."""
    timeout: float
    """Seconds that one try may take."""


class Sdk(msgspec.Struct, frozen=True):
    """The app that serves a function through one of the SDKs."""

    app: str
    """Its id."""
    url: str
    """Where it answers, without the function's id."""
    sdk: str = ""
    """Language and version, as in `py:v0.5.19`."""


SDK_STEP = "step"
"""The one step of an SDK's function in its definition: the function itself."""


class FunctionDefinition(msgspec.Struct, frozen=True, dict=True, omit_defaults=True):
    id: str
    name: str
    triggers: tuple[EventTrigger, ...]
    steps: dict[str, Step]
    crons: tuple[CronTrigger, ...] = ()
    idempotency: str | None = None
    """A key: one run a day for each of its values."""
    throttle: Throttle | None = None
    cancel: tuple[CancelOn, ...] = ()
    sdk: Sdk | None = None
    """Set where an SDK serves the function: what it does is found out by calling it."""
    not_enforced: tuple[str, ...] = ()
    """What it asks for that this server does not enforce yet, as in `concurrency`."""
    config: str = ""
    """JSON text of what is not enforced yet."""

    # Asked for each finished step of each run, so each definition object works it out once.
    @cached_property
    def children(self) -> dict[str, tuple[Step, ...]]:
        """What follows each step, and TRIGGER, in the order of the document."""
        found: dict[str, list[Step]] = {TRIGGER: [], **{step_id: [] for step_id in self.steps}}
        for step in self.steps.values():
            for source in dict.fromkeys(source for edge in step.after for source in edge.sources):
                found[source].append(step)
        return {source: tuple(steps) for source, steps in found.items()}

    @cached_property
    def edges(self) -> dict[str, tuple[tuple[Step, int], ...]]:
        """The edges that leave each step, and TRIGGER: where they lead, and their places in that step's `after`."""
        found: dict[str, list[tuple[Step, int]]] = {TRIGGER: [], **{step_id: [] for step_id in self.steps}}
        for step in self.steps.values():
            for index, edge in enumerate(step.after):
                for source in edge.sources:
                    found[source].append((step, index))
        return {source: tuple(edges) for source, edges in found.items()}

    @cached_property
    def hastened(self) -> frozenset[str]:
        """The steps that may be waiting for one edge's time when another edge reaches them."""
        return frozenset(
            step.id
            for step in self.steps.values()
            if len(step.after) > 1 and any(edge.wait is not None for edge in step.after)
        )

    @cached_property
    def leaves(self) -> tuple[Step, ...]:
        return tuple(step for step in self.steps.values() if not self.children[step.id])


def first_steps(definition: FunctionDefinition) -> tuple[Step, ...]:
    """The steps to queue when a run starts; the runner calls it."""
    return definition.children[TRIGGER]


def steps_after(definition: FunctionDefinition, step_id: str) -> tuple[Step, ...]:
    """The steps that an edge leads to from this one; KeyError if the function has no such step."""
    return definition.children[step_id]


def event_schemas(definition: FunctionDefinition) -> dict[str, str]:
    """JSON texts of the JSON schemas of the events that start the function, by the events' names; those without a
    schema are not in it. A schema describes the whole event, so an event's payload is its `properties.data`."""
    return {trigger.event: trigger.schema for trigger in definition.triggers if trigger.schema is not None}


def leaf_steps(definition: FunctionDefinition) -> tuple[Step, ...]:
    """The steps that nothing follows: a completed run's output is theirs."""
    return definition.leaves


def to_json(definition: FunctionDefinition) -> str:
    return msgspec.json.encode(definition).decode()


def from_json(text: str) -> FunctionDefinition:
    """Read what `to_json` wrote; msgspec.DecodeError if it is anything else."""
    return _decoder.decode(text)


_decoder = msgspec.json.Decoder(FunctionDefinition)
