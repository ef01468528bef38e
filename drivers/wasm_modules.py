"""From a function's file to a module that is linked and only waits for an instance."""

import wasmtime

from drivers.contract import MIB, Abort, Bundle
from drivers.modules import ModuleFault
from drivers.shown_text import one_line
from drivers.wasm_compiling import machine_code
from drivers.wasm_engine import Workshop
from drivers.weighted_cache import WeightedCache

_KEPT_FAULTS_BYTES = MIB
_GROWS = 3
"""Machine code is two to three times as large as what it was made of."""


class Modules:
    """A process's. For every thread."""

    def __init__(self) -> None:
        self._faults = WeightedCache[tuple[str, str], ModuleFault](lambda: _KEPT_FAULTS_BYTES)
        """Of modules that cannot run: finding that out may cost minutes."""

    def ready(self, workshop: Workshop, bundle: Bundle, path: str, abort: Abort) -> wasmtime.InstancePre:
        """Raises ModuleFault, Stopped. May compile for minutes; an abort ends that."""
        key = bundle.key, path
        ready = workshop.ready.get(key)
        if ready is not None:
            return ready
        known = self._faults.get(key)
        if known is not None:
            raise ModuleFault(known.name, str(known))
        try:
            ready = _linked(workshop, machine_code(workshop.engine, path, bundle.files[path], abort), path)
        except ModuleFault as fault:
            self._faults.put(key, fault, len(str(fault)))
            raise
        workshop.ready.put(key, ready, _GROWS * len(bundle.files[path]))
        return ready


def _linked(workshop: Workshop, module: wasmtime.Module, path: str) -> wasmtime.InstancePre:
    try:
        return workshop.link(module)
    except wasmtime.WasmtimeError as fault:  # all its imports are there, so one is of another type
        raise ModuleFault("InvalidModule", f"{path} cannot be linked: {one_line(str(fault))}") from None
