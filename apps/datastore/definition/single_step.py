"""A function without `steps`: its folder is its one step, and says what it is by what it holds."""

from collections.abc import Collection

from apps.datastore.definition.docker_options import DOCKERFILE
from apps.datastore.definition.faults import FaultLog
from apps.datastore.definition.runtimes import parse_runtime
from apps.datastore.definition.steps import DEFAULT_ATTEMPTS, default_timeout
from apps.datastore.definition.types import TRIGGER, Edge, Step
from apps.datastore.definition.typescript_options import DEFAULT_SCRIPTS
from apps.datastore.definition.wasm_options import modules_in

ID = "step-1"


def single_step(name: str, path: str, log: FaultLog, files: Collection[str]) -> dict[str, Step]:
    kind = single_runtime(files)
    if kind is None:
        scripts = " or ".join(DEFAULT_SCRIPTS)
        log.add(path, f'has no "steps", so its folder must hold what to run: a {DOCKERFILE}, a *.wasm, or {scripts}')
        return {}
    runtime = parse_runtime({"type": kind}, path, log, "", files)
    if runtime is None:
        return {}
    return {ID: Step(ID, name, "", runtime, (Edge(TRIGGER),), DEFAULT_ATTEMPTS, default_timeout(kind))}


def single_runtime(files: Collection[str]) -> str | None:
    """The runtime of a function whose folder is its one step; None if nothing there can be run."""
    # In this order because a container or a module is often built from scripts that lie beside it.
    if DOCKERFILE in files:
        return "docker"
    if modules_in("", files):
        return "wasm"
    return "typescript" if any(script in files for script in DEFAULT_SCRIPTS) else None
