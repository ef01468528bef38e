"""A function's definition as the rest of the server reads it: checked, complete and immutable.

A version keeps this form as JSON text (`to_json`), so what runs is what was checked at deploy. Fields
may be added with a default; none may change its meaning, because old versions are read for ever.
"""

from functools import cached_property

import msgspec

TRIGGER = "$trigger"
"""The name that an edge gives to the trigger. It is not a slug, so no step can be called that."""


class EventTrigger(msgspec.Struct, frozen=True):
    event: str


class Edge(msgspec.Struct, frozen=True):
    step: str
    """The step that it comes from, or TRIGGER."""


class Runtime(msgspec.Struct, frozen=True):
    type: str
    options: dict[str, str] = {}
    """http: `url`. typescript: `entrypoint`, seen from the step's `path`, as in "index.ts"; always given."""


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


class FunctionDefinition(msgspec.Struct, frozen=True, dict=True):
    id: str
    name: str
    triggers: tuple[EventTrigger, ...]
    steps: dict[str, Step]

    # Asked for each finished step of each run, so each definition object works it out once.
    @cached_property
    def children(self) -> dict[str, tuple[Step, ...]]:
        """What follows each step, and TRIGGER, in the order of the document."""
        found: dict[str, list[Step]] = {TRIGGER: [], **{step_id: [] for step_id in self.steps}}
        for step in self.steps.values():
            for edge in step.after:
                found[edge.step].append(step)
        return {source: tuple(steps) for source, steps in found.items()}

    @cached_property
    def leaves(self) -> tuple[Step, ...]:
        return tuple(step for step in self.steps.values() if not self.children[step.id])


def first_steps(definition: FunctionDefinition) -> tuple[Step, ...]:
    """The steps to queue when a run starts; the runner calls it."""
    return definition.children[TRIGGER]


def steps_after(definition: FunctionDefinition, step_id: str) -> tuple[Step, ...]:
    """The steps that an edge leads to from this one; KeyError if the function has no such step."""
    return definition.children[step_id]


def leaf_steps(definition: FunctionDefinition) -> tuple[Step, ...]:
    """The steps that nothing follows: a completed run's output is theirs."""
    return definition.leaves


def to_json(definition: FunctionDefinition) -> str:
    return msgspec.json.encode(definition).decode()


def from_json(text: str) -> FunctionDefinition:
    """Read what `to_json` wrote; msgspec.DecodeError if it is anything else."""
    return _decoder.decode(text)


_decoder = msgspec.json.Decoder(FunctionDefinition)
