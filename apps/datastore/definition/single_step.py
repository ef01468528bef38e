"""A function without `steps`: its folder is its one step, and says what it is by what it holds."""

from collections.abc import Collection

from apps.datastore.definition.faults import FaultLog
from apps.datastore.definition.runtimes import DEFAULT_SCRIPTS, MAX_TIMEOUT, parse_runtime, refuse_runtime
from apps.datastore.definition.steps import DEFAULT_ATTEMPTS, default_timeout
from apps.datastore.definition.types import TRIGGER, Edge, Step

ID = "step-1"


def single_step(name: str, path: str, log: FaultLog, files: Collection[str]) -> dict[str, Step]:
    # In this order because a container or a module is often built from scripts that lie beside it.
    if "Dockerfile" in files:
        refuse_runtime("docker", path, log)
    elif any(file.endswith(".wasm") and "/" not in file for file in files):
        refuse_runtime("wasm", path, log)
    elif any(script in files for script in DEFAULT_SCRIPTS):
        runtime = parse_runtime({"type": "typescript"}, path, log, "", files)
        if runtime is not None:
            timeout = default_timeout(MAX_TIMEOUT[runtime.type])
            return {ID: Step(ID, name, "", runtime, (Edge(TRIGGER),), DEFAULT_ATTEMPTS, timeout)}
    else:
        log.add(path, f'has no "steps", so its folder must hold what to run: {" or ".join(DEFAULT_SCRIPTS)}')
    return {}
