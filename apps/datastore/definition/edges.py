"""`after`: the edges that lead to a step."""

from functools import partial

from apps.datastore.definition.expressions import Expressions
from apps.datastore.definition.faults import FaultLog, at, shown
from apps.datastore.definition.graph import Link, Source
from apps.datastore.definition.scopes import EDGE_NAMES, MATCH_NAMES
from apps.datastore.definition.types import TRIGGER, Async, Edge
from apps.datastore.definition.values import (
    MAX_EDGES,
    check_duration,
    check_flag,
    check_list,
    check_name,
    check_object,
    check_text,
    optional,
    required,
)
from apps.datastore.definition.waits import parse_wait

FIELDS = ("step", "steps", "if", "wait", "async")


def parse_after(
    value: object, path: str, log: FaultLog, expressions: Expressions, step_id: str
) -> tuple[tuple[Edge, ...], list[Link]]:
    """The step's edges, and the links that they are in the graph: those of edges that are refused, too."""
    entries = check_list(value, path, log, 0, MAX_EDGES)
    if entries is None:
        return (), [Link(step_id, (Source(None, path),))]
    if not entries:
        return (Edge(TRIGGER),), [Link(step_id, (Source(TRIGGER, path),))]
    links: list[Link] = []
    edges: dict[Edge, str] = {}
    for index, entry in enumerate(entries):
        entry_path = at(path, index)
        edge, sources = _parse_edge(entry, entry_path, log, expressions)
        links.append(Link(step_id, sources))
        if edge in edges:
            log.add(entry_path, f"is the same as {edges[edge]}")
        elif edge is not None:
            edges[edge] = entry_path
    return tuple(edges), links


def _parse_edge(
    value: object, path: str, log: FaultLog, expressions: Expressions
) -> tuple[Edge | None, tuple[Source, ...]]:
    before = log.count
    found = check_object(value, path, log, FIELDS)
    if found is None:
        return None, (Source(None, path),)
    sources = _joined(found, path, log) if "steps" in found else (_source(found, path, log),)
    condition = optional(found, "if", path, log, expressions.over(EDGE_NAMES))
    wait = optional(found, "wait", path, log, partial(parse_wait, expressions=expressions))
    listen, on_timeout = None, False
    if "async" in found:
        listen, on_timeout = _parse_async(found["async"], at(path, "async"), log, expressions)
    names = tuple(source.name for source in sources if source.name is not None)
    if log.count > before or len(names) < len(sources):
        return None, sources
    # In whichever order a join names its steps, it is the same one.
    step, steps = ("", tuple(sorted(names))) if len(names) > 1 else (names[0], ())
    return Edge(step, steps, condition, wait, listen, on_timeout), sources


def _source(found: dict[str, object], path: str, log: FaultLog) -> Source:
    if "step" not in found:
        return Source(TRIGGER, path)
    return Source(check_text(found["step"], at(path, "step"), log), at(path, "step"))


def _joined(found: dict[str, object], path: str, log: FaultLog) -> tuple[Source, ...]:
    if "step" in found:
        log.add(path, "must have either step or steps, not both")
    path = at(path, "steps")
    entries = check_list(found["steps"], path, log, 1, MAX_EDGES)
    if entries is None:
        return (Source(None, path),)
    sources: list[Source] = []
    for index, entry in enumerate(entries):
        name, entry_path = check_text(entry, at(path, index), log), at(path, index)
        if name == TRIGGER:
            log.add(entry_path, "a join is of steps; what comes after the trigger names it as its step")
        elif name is not None and any(name == source.name for source in sources):
            log.add(entry_path, f"{shown(name)} is already one of the steps")
        sources.append(Source(name, entry_path))
    return tuple(sources)


def _parse_async(value: object, path: str, log: FaultLog, expressions: Expressions) -> tuple[Async | None, bool]:
    """The event to wait for, and whether its not coming is what is waited for."""
    found = check_object(value, path, log, ("event", "match", "ttl", "onTimeout"))
    if found is None:
        return None, False
    event = required(found, "event", path, log, check_name)
    match = optional(found, "match", path, log, expressions.over(MATCH_NAMES))
    ttl = required(found, "ttl", path, log, check_duration)
    on_timeout = optional(found, "onTimeout", path, log, check_flag)
    listen = None if event is None or ttl is None else Async(event, ttl, match)
    return listen, on_timeout or False
