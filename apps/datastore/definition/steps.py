"""`steps`: the work of a function, and how its parts follow each other."""

from collections.abc import Collection

from apps.datastore.definition.durations import write_duration
from apps.datastore.definition.edges import parse_after
from apps.datastore.definition.expressions import Expressions
from apps.datastore.definition.faults import FaultLog, at, shown
from apps.datastore.definition.graph import Link, Source, check_graph
from apps.datastore.definition.places import parse_folder
from apps.datastore.definition.runtimes import max_timeout, parse_runtime
from apps.datastore.definition.types import TRIGGER, Edge, Step
from apps.datastore.definition.values import check_duration, check_name, check_object, check_slug, check_whole_number
from drivers.runtime import MAX_TIMEOUT

MAX_STEPS = 1_000
MAX_ATTEMPTS = 20
DEFAULT_ATTEMPTS = 3
DEFAULT_TIMEOUT = 900.0
FIELDS = ("id", "name", "path", "runtime", "after", "retries", "timeout")


def parse_steps(
    value: object, path: str, log: FaultLog, expressions: Expressions, files: Collection[str]
) -> dict[str, Step]:
    """The steps by id; what is in it is of use only if nothing was logged."""
    found = check_object(value, path, log)
    if found is None:
        return {}
    if len(found) > MAX_STEPS:
        log.add(path, f"has {len(found)} steps; the limit is {MAX_STEPS}")
        return {}
    steps: dict[str, Step] = {}
    links: list[Link] = []
    for step_id, entry in found.items():
        check_slug(step_id, at(path, step_id), log)
        step, its_links = _parse_step(step_id, entry, at(path, step_id), log, expressions, files=files)
        links.extend(its_links)
        if step is not None:
            steps[step_id] = step
    check_graph(tuple(found), links, path, log)
    return steps


def _parse_step(
    step_id: str, value: object, path: str, log: FaultLog, expressions: Expressions, *, files: Collection[str]
) -> tuple[Step | None, list[Link]]:
    found = check_object(value, path, log, FIELDS)
    if found is None:
        return None, [Link(step_id, (Source(None, path),))]
    if "id" in found and found["id"] != step_id:
        log.add(at(path, "id"), f"must be the same as the step's key, {shown(step_id)}")
    name = check_name(found["name"], at(path, "name"), log) if "name" in found else step_id
    folder = parse_folder(found["path"], at(path, "path"), log) if "path" in found else ""
    if "runtime" not in found:
        log.add(at(path, "runtime"), "is missing")
    runtime = parse_runtime(found["runtime"], at(path, "runtime"), log, folder, files) if "runtime" in found else None
    after: tuple[Edge, ...] = (Edge(TRIGGER),)
    links = [Link(step_id, (Source(TRIGGER, path),))]
    if "after" in found:
        after, links = parse_after(found["after"], at(path, "after"), log, expressions, step_id)
    attempts = _parse_attempts(found, path, log)
    timeout = _parse_timeout(found, path, log)
    if name is None or folder is None or runtime is None:
        return None, links
    return Step(step_id, name, folder, runtime, after, attempts, timeout), links


def _parse_attempts(found: dict[str, object], path: str, log: FaultLog) -> int:
    if "retries" not in found:
        return DEFAULT_ATTEMPTS
    path = at(path, "retries")
    retries = check_object(found["retries"], path, log, ("attempts",)) or {}
    if "attempts" not in retries:
        return DEFAULT_ATTEMPTS
    attempts = check_whole_number(retries["attempts"], at(path, "attempts"), log, 0, MAX_ATTEMPTS)
    return max(attempts or 0, 1)


def _parse_timeout(found: dict[str, object], path: str, log: FaultLog) -> float:
    runtime = found.get("runtime")
    kind = runtime.get("type") if isinstance(runtime, dict) else None
    if "timeout" not in found:
        return default_timeout(kind)
    most = max_timeout(kind)
    timeout = check_duration(found["timeout"], at(path, "timeout"), log)
    if timeout is not None and timeout > (most or MAX_TIMEOUT):
        limit = write_duration(most or MAX_TIMEOUT)
        log.add(at(path, "timeout"), f"must be at most {limit}" + (f" for {kind}" if most else ""))
    return timeout or DEFAULT_TIMEOUT


def default_timeout(kind: object) -> float:
    """15 minutes, or the most that the runtime allows where that is less. In seconds."""
    return min(DEFAULT_TIMEOUT, max_timeout(kind) or DEFAULT_TIMEOUT)
