"""Which driver runs a runtime, and on which Celery queue. One driver instance a process, made when first used."""

import importlib
import threading

from drivers.contract import Driver

# Named by text, so that asking for a queue does not import wasmtime.
_DRIVERS = {
    "http": ("steps", "drivers.http", "HttpDriver"),
    "typescript": ("steps.cpu", "drivers.typescript", "TypeScriptDriver"),
    "wasm": ("steps.cpu", "drivers.wasm", "WasmDriver"),
    "docker": ("steps.docker", "drivers.docker", "DockerDriver"),
    "sdk": ("steps", "drivers.sdk", "SdkDriver"),
    "gateway": ("steps", "drivers.gateway", "GatewayDriver"),
}
_OURS = ("sdk", "gateway")
"""Runtimes that no function declares: they come from the registration and the opcodes of an SDK."""

_WITHOUT_FILES = ("http", "sdk", "gateway")
"""Runtimes that call code where it runs already: nothing is fetched for them."""

_instances: dict[str, Driver] = {}
_lock = threading.Lock()


class UnsupportedRuntime(ValueError):
    """No driver runs this runtime."""


def queue_for(runtime_type: str) -> str:
    """The Celery queue for steps of this runtime. Raises UnsupportedRuntime. Called when a step is queued."""
    return _entry(runtime_type)[0]


def needs_files(runtime_type: str) -> bool:
    """Whether steps of this runtime run with the function's own files. Called by the executor when it loads a step."""
    return runtime_type not in _WITHOUT_FILES


def driver_for(runtime_type: str) -> Driver:
    """This process's driver of the runtime. Raises UnsupportedRuntime. Called by the executor."""
    driver = _instances.get(runtime_type)
    if driver is not None:
        return driver
    _, module, name = _entry(runtime_type)
    with _lock:
        if runtime_type not in _instances:
            _instances[runtime_type] = getattr(importlib.import_module(module), name)()
        return _instances[runtime_type]


def close_drivers() -> None:
    """Close what was made. Called once, when a worker stops."""
    with _lock:
        for driver in _instances.values():
            driver.close()
        _instances.clear()


def _entry(runtime_type: str) -> tuple[str, str, str]:
    if runtime_type in _DRIVERS:
        return _DRIVERS[runtime_type]
    raise UnsupportedRuntime(f"there is no runtime {runtime_type!r}; use {_supported()}")


def _supported() -> str:
    return " or ".join(repr(name) for name in _DRIVERS if name not in _OURS)
