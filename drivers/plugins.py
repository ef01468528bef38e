"""Runtimes that other packages bring, found by their entry points. docs/adding-a-driver.md says how to write one."""

import logging
from collections import defaultdict
from collections.abc import Collection, Mapping
from functools import cache
from typing import TYPE_CHECKING

from drivers.runtime import Runtime

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

GROUP = "inngest_server.drivers"
_log = logging.getLogger(__name__)


@cache
def installed(ours: frozenset[str]) -> Mapping[str, Runtime | str]:
    """What the installed packages bring, by name: the runtime, or why it cannot be used, which the log says too.

    One that is wrong takes nothing else with it. Read once in a process, when a runtime that is not `ours` is first
    asked for.
    """
    from importlib.metadata import entry_points  # half of what importing this file would cost

    points: dict[str, list[EntryPoint]] = defaultdict(list)
    for point in entry_points(group=GROUP):
        points[point.name].append(point)
    found = {name: _read(name, those, ours) for name, those in points.items()}
    for name, runtime in found.items():
        if isinstance(runtime, str):
            _log.error("the runtime %r cannot be used: %s", name, runtime)
    return found


def _read(name: str, points: "list[EntryPoint]", ours: Collection[str]) -> Runtime | str:
    places = " and ".join(sorted(map(_place, points)))
    if name in ours:
        return f"{places} bears the name of one that comes with the server"
    if len(points) > 1:
        return f"{places} bear the same name"
    try:
        found = points[0].load()
    except Exception as fault:  # whatever another"s module does when it is imported
        return f"{places} cannot be imported: {type(fault).__name__}: {fault}"
    if not isinstance(found, Runtime):
        return f"{places} is not a drivers.runtime.Runtime but {type(found).__name__}"
    return found


def _place(point: "EntryPoint") -> str:
    package = f" (package {point.dist.name})" if point.dist is not None else ""
    return f"the entry point {point.value}{package}"
