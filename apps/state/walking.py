"""Walking a function's edges: which steps follow, when, and what is waited for first. Pure: nothing is read or written.

An edge is walked once, when its step (of a join: the last of its steps) has completed.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import NamedTuple

import msgspec

from apps.datastore.definition.scopes import EDGE_NAMES, MATCH_NAMES
from apps.datastore.definition.types import Async, Edge, FunctionDefinition, Step
from apps.expressions import (
    DEFAULT_BUDGET,
    Allowance,
    Expression,
    ExpressionError,
    Value,
    compile_expression,
    equalities,
    fields_read,
    hash_values,
    moment,
)
from drivers.registry import queue_for

WALK_BUDGET = 5 * DEFAULT_BUDGET
"""What the expressions of all edges that are walked together may cost: some half a second."""
PATHS_MOST = 500
"""Characters of the paths of a wait's key: an index entry has room for no more than some thousands."""

Read = Callable[[str], Value]
"""The value of a name: `event`, `steps` or `response`. Called only for names that an expression has."""


class Branch(msgspec.Struct, frozen=True, array_like=True):
    """A step that follows, on the queue of its runtime, at once or when it is due."""

    step_id: str
    queue: str
    due_at: datetime | None = None
    may_hasten: bool = False
    """It may be planned already, for a later time."""
    op: str | None = None
    """`function` where it is the call of an SDK's function."""


class Branches(msgspec.Struct, frozen=True):
    """The steps that follow a wait: of these two, one."""

    arrived: tuple[Branch, ...] = ()
    timed_out: tuple[Branch, ...] = ()


class WaitKey(NamedTuple):
    """The paths at which an event must have known values, as JSON text, and the hash of those values."""

    paths: str
    hash: int


class Listening(NamedTuple):
    """A wait to be opened."""

    sources: str
    event_name: str
    match: str | None
    key: WaitKey
    expires_at: datetime | None
    branches: Branches


class Said(NamedTuple):
    """Something to be said of a step: why an edge to it was not walked, or why it cannot be."""

    step_id: str
    message: str


class Walked(NamedTuple):
    """What follows. Steps whose condition cannot be evaluated are `faulty`: they fail without having been tried."""

    steps: Sequence[Branch] = ()
    waits: Sequence[Listening] = ()
    faulty: Sequence[Said] = ()
    not_walked: Sequence[Said] = ()


def walk(
    definition: FunctionDefinition, sources: Collection[str], completed: Collection[str], read: "Reader", now: datetime
) -> Walked:
    """Walk the edges from the steps (or the trigger) that have just completed; `completed` are all that have."""
    steps: dict[str, Branch] = {}
    faulty: list[Said] = []
    not_walked: list[Said] = []
    listening: dict[tuple[tuple[str, ...], Async], list[tuple[Edge, Branch]]] = {}
    for step, edge in edges_from(definition, sources):
        if edge.steps and not set(edge.steps) <= set(completed):
            continue
        of_edge = read.of(edge.sources)
        try:
            if edge.condition is not None and not _test(edge.condition, of_edge, now, read.allowance):
                not_walked.append(Said(step.id, f"after {_named(edge)}: `{edge.condition}` is not true"))
                continue
            branch = branch_to(definition, step, _due_at(edge.wait, of_edge, now, read.allowance))
        except ExpressionError as error:
            faulty.append(Said(step.id, f"the edge from {_named(edge)} cannot be walked: {error}"))
            continue
        if edge.listen is None:
            steps[step.id] = _sooner(steps.get(step.id), branch)
        else:
            listening.setdefault((edge.sources, edge.listen), []).append((edge, branch))
    waits = [_wait(sources, listen, edges, read, now) for (sources, listen), edges in listening.items()]
    return Walked(tuple(steps.values()), waits, faulty, not_walked)


def branch_to(definition: FunctionDefinition, step: Step, due_at: datetime | None = None) -> Branch:
    op = None if definition.sdk is None else "function"
    return Branch(step.id, queue_for(step.runtime.type), due_at, step.id in definition.hastened, op)


class Reader(NamedTuple):
    """Gives the values that expressions see; `response` depends on the edge."""

    event: Callable[[], Value]
    steps: Callable[[], Mapping[str, Value]]
    output: Callable[[str], Value]
    """Of a step, by its id; None of the trigger."""
    allowance: Allowance
    """What the expressions may cost together."""

    def of(self, sources: Sequence[str]) -> Read:
        def read(name: str) -> Value:
            if name == "event":
                return self.event()
            if name == "steps":
                return dict(self.steps())
            return self.response(sources)

        return read

    def response(self, sources: Sequence[str]) -> Value:
        if len(sources) > 1:
            return {source: self.output(source) for source in sources}
        return self.output(sources[0])


def edges_from(definition: FunctionDefinition, sources: Collection[str]) -> list[tuple[Step, Edge]]:
    """The edges that leave any of these, each once."""
    found: dict[tuple[str, int], tuple[Step, Edge]] = {}
    for source in sources:
        for step, index in definition.edges[source]:
            found[step.id, index] = (step, step.after[index])
    return list(found.values())


def key_of(match: str | None, names: frozenset[str], reader: Reader, sources: Sequence[str], now: datetime) -> WaitKey:
    """What an event must say to be the one that is waited for, as far as it is known now."""
    known: list[tuple[tuple[str, ...], Value]] = []
    paths = ""
    read = reader.of(sources)
    for path, expression, steps in () if match is None else _equalities(match, names):
        try:
            # What reads the output of a step that may still complete has another value when the event arrives.
            if steps is None or (steps and not steps <= reader.steps().keys()):
                continue
            values = {name: read(name) for name in expression.names}
            value = expression.evaluate(values, now, allowance=reader.allowance)
        except ExpressionError:
            continue  # the whole expression decides, for each event
        longer = msgspec.json.encode([*(path for path, _ in known), path]).decode()
        if len(longer) > PATHS_MOST:
            break
        paths = longer
        known.append((path, value))
    key = hash_values([value for _, value in known]) if known else None
    return WaitKey("", 0) if key is None else WaitKey(paths, key)


@lru_cache(maxsize=4_096)
def _equalities(
    match: str, names: frozenset[str]
) -> tuple[tuple[tuple[str, ...], Expression, frozenset[str] | None], ...]:
    """The parts of a match from which its key is made: path, value, and the steps that the value reads."""
    found = equalities(compile_expression(match, names), "async")
    return tuple((path, value, fields_read(value, "steps")) for path, value in found)


def _test(text: str, read: Read, now: datetime, allowance: Allowance) -> bool:
    expression = compile_expression(text, EDGE_NAMES)
    return expression.test({name: read(name) for name in expression.names}, now, allowance=allowance)


def _due_at(wait: float | str | None, read: Read, now: datetime, allowance: Allowance) -> datetime | None:
    """When the wait is over; None if it is already."""
    if wait is None:
        return None
    if isinstance(wait, str):
        expression = compile_expression(wait, EDGE_NAMES)
        values = {name: read(name) for name in expression.names}
        due_at = moment(expression.evaluate(values, now, allowance=allowance), now)
    else:
        due_at = now + timedelta(seconds=wait)
    return due_at if due_at > now else None


def _sooner(one: Branch | None, other: Branch) -> Branch:
    if one is None or one.due_at is None:
        return one or other
    return other if other.due_at is None or other.due_at < one.due_at else one


def _wait(
    sources: tuple[str, ...], listen: Async, edges: Sequence[tuple[Edge, Branch]], reader: Reader, now: datetime
) -> Listening:
    ends: dict[bool, dict[str, Branch]] = {False: {}, True: {}}
    for edge, branch in edges:
        end = ends[edge.on_timeout]
        end[branch.step_id] = _sooner(end.get(branch.step_id), branch)
    return Listening(
        ",".join(sources),
        listen.event,
        listen.match,
        key_of(listen.match, MATCH_NAMES, reader, sources, now),
        now + timedelta(seconds=listen.ttl),
        Branches(tuple(ends[False].values()), tuple(ends[True].values())),
    )


def _named(edge: Edge) -> str:
    return " and ".join(edge.sources)
