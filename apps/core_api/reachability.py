"""Which of a function's steps a run has not reached, and which of these it never will, and why. Pure.

A step is reached by an edge, which is walked when its step (of a join: all of its steps) has completed, in the same
transaction. So what is read together tells all: an edge whose steps have all completed has led to its step, or to a
wait, or nowhere.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from apps.datastore.definition.types import TRIGGER, Edge, FunctionDefinition, Step

NOTHING_LED = "nothing led to it"


class KnownWait(NamedTuple):
    """A wait of a run whose end decides which steps follow."""

    after: tuple[str, ...]
    event: str
    match: str | None
    status: str
    arrived: frozenset[str]
    """The steps that follow if its event arrives."""
    timed_out: frozenset[str]
    """And if it does not."""


class Reached(NamedTuple):
    """How far a run has got, at one moment."""

    steps: Mapping[str, str]
    """The status of each step that was reached: `open`, `completed`, `failed` or `cancelled`."""
    waits: Sequence[KnownWait]


def unreached_steps(definition: FunctionDefinition, reached: Reached) -> dict[str, bool]:
    """The steps that were not reached, in the order of the document, and whether each still may be."""
    hopeful = _hopeful(definition, reached)
    return {step_id: step_id in hopeful for step_id in definition.steps if step_id not in reached.steps}


def _hopeful(definition: FunctionDefinition, reached: Reached) -> set[str]:
    """The steps that may be reached yet: those that an open wait leads to, and those behind what may yet complete."""
    open_waits = [wait for wait in reached.waits if wait.status == "open"]
    hopeful = {step_id for wait in open_waits for step_id in wait.arrived | wait.timed_out} - reached.steps.keys()
    todo = [*hopeful, *(step_id for step_id, status in reached.steps.items() if status == "open")]
    missing: dict[tuple[str, int], int] = {}
    while todo:
        for step, index in definition.edges.get(todo.pop(), ()):
            if step.id in reached.steps or step.id in hopeful:
                continue
            edge = (step.id, index)
            if edge not in missing:
                missing[edge] = sum(not _is_completed(source, reached) for source in step.after[index].sources)
            missing[edge] -= 1
            if not missing[edge]:
                hopeful.add(step.id)
                todo.append(step.id)
    return hopeful


def reason_skipped(step: Step, reached: Reached, skipped: Collection[str], not_walked: Sequence[str]) -> str:
    """Why nothing led to a step, edge by edge. `not_walked` is what the history says of it."""
    reasons = [_why_dead(step, edge, reached, skipped) for edge in step.after]
    return "; ".join(dict.fromkeys([*not_walked, *filter(None, reasons)])) or NOTHING_LED


def _why_dead(step: Step, edge: Edge, reached: Reached, skipped: Collection[str]) -> str | None:
    """None if it was asked and not walked: the history has said so."""
    for source in edge.sources:
        if source in skipped:
            return f"{source} was skipped"
        if reached.steps.get(source) in _ENDED:
            return f"{source} {_ENDED[reached.steps[source]]}"
    if edge.listen is None:
        return None
    for wait in reached.waits:
        follow = wait.timed_out if edge.on_timeout else wait.arrived
        listened = (wait.after, wait.event, wait.match) == (edge.sources, edge.listen.event, edge.listen.match)
        if listened and step.id in follow and wait.status in _WAIT_ENDED:
            return f"after {' and '.join(edge.sources)}: {wait.event} {_WAIT_ENDED[wait.status]}"
    return None


_ENDED = {"failed": "failed", "cancelled": "was cancelled"}
_WAIT_ENDED = {
    "arrived": "arrived",
    "timed out": "did not arrive in time",
    "cancelled": "had not arrived when the run ended",
}


def _is_completed(source: str, reached: Reached) -> bool:
    return source == TRIGGER or reached.steps.get(source) == "completed"
