"""`after`: the edges that lead to a step."""

from apps.datastore.definition import later
from apps.datastore.definition.faults import FaultLog, at, shown
from apps.datastore.definition.graph import Link
from apps.datastore.definition.types import TRIGGER, Edge
from apps.datastore.definition.values import MAX_EDGES, check_list, check_object, check_text


def parse_after(value: object, path: str, log: FaultLog, step_id: str) -> tuple[tuple[Edge, ...], list[Link]]:
    """The step's edges, and the links that they are in the graph: those of edges that are refused, too."""
    entries = check_list(value, path, log, 0, MAX_EDGES)
    if entries is None:
        return (), [Link(step_id, None, path)]
    if not entries:
        return (Edge(TRIGGER),), [Link(step_id, TRIGGER, path)]
    links: list[Link] = []
    plain: dict[str, Edge] = {}
    for index, entry in enumerate(entries):
        entry_path = at(path, index)
        found = check_object(entry, entry_path, log, ("step", *later.EDGE))
        if found is None:
            links.append(Link(step_id, None, entry_path))
            continue
        later.refuse_later(found, entry_path, log, later.EDGE)
        sources = _sources(found, entry_path, log)
        links.extend(Link(step_id, source, place) for source, place in sources)
        # Two edges from one step make sense when their conditions differ; plain ones can only be a slip.
        for source, place in sources:
            if source is None or not found.keys() <= {"step"}:
                continue
            if source in plain:
                log.add(place, f"{shown(source)} is already one of the entries")
            plain[source] = Edge(source)
    return tuple(plain.values()), links


def _sources(found: dict[str, object], path: str, log: FaultLog) -> list[tuple[str | None, str]]:
    """The steps that the edge comes from, each with its place; None for what can't be a step's name."""
    if "steps" in found:
        if "step" in found:
            log.add(path, "must have either step or steps, not both")
        joined = found["steps"]
        if not isinstance(joined, list):
            return [(None, path)]
        places = [(entry, at(at(path, "steps"), index)) for index, entry in enumerate(joined[:MAX_EDGES])]
        return [(entry if isinstance(entry, str) else None, place) for entry, place in places]
    if "step" not in found:
        return [(TRIGGER, path)]
    return [(check_text(found["step"], at(path, "step"), log), at(path, "step"))]
