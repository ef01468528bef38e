"""Checks of the steps as a graph: every edge comes from a step, nothing goes in a circle, everything is reached."""

from collections import defaultdict, deque
from collections.abc import Sequence
from typing import NamedTuple

from apps.datastore.definition.faults import FaultLog, at, shown
from apps.datastore.definition.suggestions import did_you_mean
from apps.datastore.definition.types import TRIGGER

MAX_NAMED = 10


class Source(NamedTuple):
    name: str | None
    """A step or TRIGGER; None when the document's entry is faulty, and its fault is logged."""
    path: str


class Link(NamedTuple):
    """What one entry of `after` says: the step is reached once all the sources are."""

    step: str
    sources: tuple[Source, ...]


def check_graph(step_ids: Sequence[str], links: Sequence[Link], path: str, log: FaultLog) -> None:
    """`path` is that of the steps. The cost is linear: a document may have 1,000 steps with 100 edges each."""
    known = set(step_ids)
    sources: dict[str, set[str]] = {step_id: set() for step_id in step_ids}
    joins = [(link.step, _known_sources(link, known, log)) for link in links]
    for step_id, joined in joins:
        sources[step_id].update(joined)

    circular: set[str] = set()
    for cycle in _cycles(sources):
        circular.update(cycle)
        names = [*cycle, cycle[0]]
        if len(names) > MAX_NAMED:
            names = [*names[: MAX_NAMED - 2], f"… {len(names) - MAX_NAMED + 1} more …", names[-1]]
        log.add(at(path, cycle[0]), f"the steps go in a circle: {' → '.join(names)}")

    reached = _reached(joins)
    for step_id in step_ids:
        if step_id not in reached and step_id not in circular:
            log.add(at(path, step_id), "is never reached from the trigger")


def _known_sources(link: Link, known: set[str], log: FaultLog) -> set[str]:
    """The steps that it names. A faulty source counts as reached, so that one slip is one fault."""
    names: set[str] = set()
    for name, path in link.sources:
        if name == link.step:
            log.add(path, "a step cannot come after itself")
        elif name in known:
            names.add(name)
        elif name is not None and name != TRIGGER:
            hint = "" if log.full else did_you_mean(name, known)
            log.add(path, f"there is no step {shown(name)}{hint}")
    return names


def _cycles(sources: dict[str, set[str]]) -> list[list[str]]:
    """One cycle of each knot, in the order in which its steps run.

    Steps whose sources are all done are taken away until none is left or all that are left wait for a
    cycle; then a walk backwards from any of them must run into it.
    """
    children: dict[str, list[str]] = defaultdict(list)
    for step_id, names in sources.items():
        for source in names:
            children[source].append(step_id)
    waiting = {step_id: len(found) for step_id, found in sources.items()}
    ready = deque(step_id for step_id, count in waiting.items() if count == 0)
    cycles: list[list[str]] = []
    while waiting:
        if not ready:
            cycles.append(_walk_back(next(iter(waiting)), sources, waiting))
            ready.extend(cycles[-1])
        step_id = ready.popleft()
        if waiting.pop(step_id, None) is None:
            continue
        for child in children[step_id]:
            if child in waiting:
                waiting[child] -= 1
                if waiting[child] == 0:
                    ready.append(child)
    return cycles


def _walk_back(start: str, sources: dict[str, set[str]], waiting: dict[str, int]) -> list[str]:
    trail: dict[str, None] = {}
    step_id = start
    while step_id not in trail:
        trail[step_id] = None
        step_id = min(source for source in sources[step_id] if source in waiting)
    steps = list(trail)
    return steps[steps.index(step_id) :][::-1]


def _reached(joins: Sequence[tuple[str, set[str]]]) -> set[str]:
    """The steps to which a join leads whose sources are all reached; one without sources comes after the trigger."""
    missing = [len(names) for _, names in joins]
    after: dict[str, list[int]] = defaultdict(list)
    for index, (_, names) in enumerate(joins):
        for name in names:
            after[name].append(index)
    todo = [step_id for step_id, names in joins if not names]
    reached: set[str] = set()
    while todo:
        step_id = todo.pop()
        if step_id in reached:
            continue
        reached.add(step_id)
        for index in after[step_id]:
            missing[index] -= 1
            if not missing[index]:
                todo.append(joins[index][0])
    return reached
