"""Which driver runs a runtime, and on which Celery queue. One driver instance a process, made when first used."""

import importlib
import threading
from collections.abc import Mapping

from drivers import plugins
from drivers.contract import Driver
from drivers.runtime import Runtime

# Drivers are named by text, so that asking for a queue does not import wasmtime.
_OURS: Mapping[str, Runtime] = {
    "http": Runtime("steps", "drivers.http:HttpDriver", needs_files=False, max_timeout=7200),
    "typescript": Runtime("steps.cpu", "drivers.typescript:TypeScriptDriver"),
    "wasm": Runtime("steps.cpu", "drivers.wasm:WasmDriver"),
    "docker": Runtime("steps.docker", "drivers.docker:DockerDriver", max_timeout=7200),
    # These come from the registration and the opcodes of an SDK.
    "sdk": Runtime("steps", "drivers.sdk:SdkDriver", needs_files=False, max_timeout=7200, declarable=False),
    "gateway": Runtime("steps", "drivers.gateway:GatewayDriver", needs_files=False, max_timeout=7200, declarable=False),
}
_NAMES = frozenset(_OURS)

_instances: dict[str, Driver] = {}
_lock = threading.Lock()


class UnsupportedRuntime(ValueError):
    """No driver runs this runtime."""


def queue_for(runtime_type: str) -> str:
    """The Celery queue for steps of this runtime. Raises UnsupportedRuntime. Called when a step is queued."""
    return runtime(runtime_type).queue


def needs_files(runtime_type: str) -> bool:
    """Whether steps of this runtime run with the function's own files. Called by the executor when it loads a step.

    True for a runtime that is not there (any more): its step fails when its driver is asked for.
    """
    try:
        return runtime(runtime_type).needs_files
    except UnsupportedRuntime:
        return True


def driver_for(runtime_type: str) -> Driver:
    """This process's driver of the runtime. Raises UnsupportedRuntime, also for a driver that cannot be made. Called by
    the executor."""
    driver = _instances.get(runtime_type)
    if driver is not None:
        return driver
    module, _, name = runtime(runtime_type).driver.partition(":")
    with _lock:
        if runtime_type not in _instances:
            try:
                _instances[runtime_type] = getattr(importlib.import_module(module), name)()
            except Exception as fault:  # a package that is not installed, or whatever another's driver does
                problem = f"the driver of the runtime {runtime_type!r} cannot be made: {type(fault).__name__}: {fault}"
                raise UnsupportedRuntime(problem) from fault
        return _instances[runtime_type]


def close_drivers() -> None:
    """Close what was made. Called once, when a worker stops."""
    with _lock:
        for driver in _instances.values():
            driver.close()
        _instances.clear()


def runtime(runtime_type: str) -> Runtime:
    """What the registry knows of the runtime. Raises UnsupportedRuntime, with a reason."""
    # Ours first: asked for each step that is queued, and a look-up in a table.
    found = _OURS.get(runtime_type) or plugins.installed(_NAMES).get(runtime_type)
    if isinstance(found, Runtime):
        return found
    if found is not None:
        raise UnsupportedRuntime(problems()[runtime_type])
    names = " or ".join(map(repr, declarable()))
    raise UnsupportedRuntime(f"there is no runtime {runtime_type!r}; use {names}")


def declarable() -> list[str]:
    """The names of the runtimes that a function's definition may have: those that come with the server, then those of
    installed packages."""
    ours = [name for name, row in _OURS.items() if row.declarable]
    others = plugins.installed(_NAMES).items()
    return ours + sorted(name for name, row in others if isinstance(row, Runtime) and row.declarable)


def problems() -> dict[str, str]:
    """What is wrong with runtimes that installed packages bring, by name, a sentence each."""
    others = plugins.installed(_NAMES).items()
    return {name: f"the runtime {name!r} cannot be used: {row}" for name, row in others if isinstance(row, str)}
