"""What follows: the edges from what has just completed are walked, and what they lead to is written down."""

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple

import msgspec

from apps.datastore.versions import load_version
from apps.state import teller, telling
from apps.state.history import Entry, add_history
from apps.state.steps import FaultyStep, PlannedStep, fail_steps, plan_steps
from apps.state.values import VALUES_AT_ONCE, RunValues, read_values
from apps.state.waits import NewWait, open_waits
from apps.state.wakes import Wakes
from apps.state.walking import Branch, Listening, Walked, branch_to, edges_from, walk


class Completed(NamedTuple):
    """A step that has just completed in a locked run."""

    run_id: str
    function_id: int
    version_id: int
    step_id: str
    since_seq: int
    """Its waits listen for events after this one."""


class Place(NamedTuple):
    """The run in which something was walked."""

    run_id: str
    function_id: int
    environment_id: int


class Follows(NamedTuple):
    """What follows in a run, and from which event on it listens for each of its waits."""

    place: Place
    walked: Walked
    waits: Sequence[tuple[str, int, Listening]] = ()
    """Kind, number of the event after which it listens, and what for."""


def follow(completed: Sequence[Completed], now: datetime, wakes: Wakes) -> list[Entry]:
    """Plan what follows completed steps. Returns what it added to the history that concerns steps.

    Where nothing but plain edges leaves them, it is one statement; expressions, joins and waits take some more.
    """
    planned: list[PlannedStep] = []
    walking: dict[str, list[Completed]] = {}
    for one in completed:
        branches = plain_branches(one.version_id, one.step_id)
        if branches is None:
            walking.setdefault(one.run_id, []).append(one)
        else:
            planned += planned_steps(one.run_id, one.function_id, branches)
    follows: list[Follows] = []
    run_ids = list(walking)
    for start in range(0, len(run_ids), VALUES_AT_ONCE):
        chunk = run_ids[start : start + VALUES_AT_ONCE]
        values = read_values(chunk)
        # A run whose event is gone must not seem to have nothing that follows.
        follows += [_walk(walking[run_id], values[run_id], now) for run_id in chunk]
    return write_down(follows, planned, now, wakes)


@lru_cache(maxsize=10_000)
def plain_branches(version_id: int, source: str) -> tuple[Branch, ...] | None:
    """What follows a step (or the trigger) whatever it gives; None if that depends on something."""
    definition = load_version(version_id).definition
    edges = edges_from(definition, [source])
    if not all(edge.is_plain for _, edge in edges):
        return None
    steps = {step.id: step for step, _ in edges}
    return tuple(branch_to(definition, step) for step in steps.values())


def planned_steps(
    run_id: str, function_id: int, branches: Sequence[Branch], async_seq: int | None = None
) -> list[PlannedStep]:
    """The steps of one run that the branches lead to; `async_seq` is the event that was waited for before them."""
    return [
        PlannedStep(
            run_id, branch.step_id, function_id, branch.queue, branch.due_at, async_seq, branch.may_hasten, branch.op
        )
        for branch in branches
    ]


def _walk(completed: Sequence[Completed], values: RunValues, now: datetime) -> Follows:
    first = completed[0]
    since = {one.step_id: one.since_seq for one in completed}
    definition = load_version(first.version_id).definition
    walked = walk(definition, list(since), values.completed(), values.reader(), now)
    place = Place(first.run_id, first.function_id, values.environment_id)
    waits = [
        ("step", max(since[source] for source in wait.sources.split(",") if source in since), wait)
        for wait in walked.waits
    ]
    return Follows(place, walked, waits)


def write_down(follows: Sequence[Follows], planned: Sequence[PlannedStep], now: datetime, wakes: Wakes) -> list[Entry]:
    """Write down what follows; the runs are locked or were made in this transaction."""
    planned = list(planned)
    waits: list[NewWait] = []
    faulty: list[tuple[FaultyStep, str]] = []
    told: list[Entry] = []
    for place, walked, listening in follows:
        planned += planned_steps(place.run_id, place.function_id, walked.steps)
        waits += [
            NewWait(place.run_id, place.environment_id, place.function_id, kind, since, wait)
            for kind, since, wait in listening
        ]
        told += [Entry(place.run_id, "step.not_reached", said.message, said.step_id) for said in walked.not_walked]
        faulty += [
            (FaultyStep(place.run_id, said.step_id, _error_text(said.message)), said.message) for said in walked.faulty
        ]
    plan_steps(planned, now, wakes)
    open_waits(waits, now)
    if teller.is_on():
        wakes.told += [telling.sleeping(one.run_id, one.step_id, one.due_at) for one in planned if one.due_at]
        wakes.told += [telling.waiting(wait) for wait in waits if wait.kind != "cancel"]
    wakes.probes += len(waits)
    wakes.expiring += [wait.listening.expires_at for wait in waits if wait.listening.expires_at is not None]
    first = {(step.run_id, step.step_id): (step, message) for step, message in reversed(faulty)}
    failed = fail_steps([step for step, _ in first.values()], now)
    told += [
        Entry(run_id, "step.failed", message, step_id)
        for (run_id, step_id), (_, message) in first.items()
        if (run_id, step_id) in failed
    ]
    add_history(told, now)
    return told


def _error_text(message: str) -> str:
    return msgspec.json.encode({"name": "ExpressionError", "message": message, "stack": ""}).decode()
