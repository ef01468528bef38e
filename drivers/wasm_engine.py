"""How wasmtime is set up for steps' own modules: what of WebAssembly is there, and what a module may take."""

from collections.abc import Callable

import wasmtime

from drivers.contract import MIB, Call
from drivers.native_stack import native_stack
from drivers.wasm_host import Host
from drivers.weighted_cache import WeightedCache

SETTINGS = "steps-1"
"""Names the configuration in the keys of what is compiled: another one, another name."""
MAX_TABLES, MAX_TABLE_ELEMENTS = 4, 500_000
"""Eight bytes each, and outside what the memory limit counts."""

_WASI = "wasi_snapshot_preview1"
_KEPT_BYTES = 64 * MIB
_IO_ERROR = 29


def new_engine() -> wasmtime.Engine:
    """An engine that an epoch's move interrupts: it runs one module at a time."""
    config = wasmtime.Config()
    config.epoch_interruption = True
    config.max_wasm_stack = native_stack()
    # What a step may take is counted in one memory. Threads need a host that starts them; 64 bits address more than
    # any limit here; objects of the garbage collector (exceptions among them) lie beside the memory. No compiler to
    # wasip1 uses any of these unless it is told to.
    config.wasm_multi_memory = False
    config.wasm_memory64 = False
    config.wasm_threads = False
    config.wasm_gc = False
    config.wasm_function_references = False
    config.wasm_exceptions = False
    config.wasm_custom_page_sizes = False
    config.wasm_stack_switching = False
    return wasmtime.Engine(config)


class Workshop:
    """What one thread at a time needs to run modules: an engine of its own, so that its epoch ends one call only."""

    def __init__(self) -> None:
        self.engine = new_engine()
        self.ready = WeightedCache[tuple[str, str], wasmtime.InstancePre](lambda: _KEPT_BYTES)
        """Linked modules by where they come from; they weigh what their machine code does."""
        self._place = _Place()
        self._linker = wasmtime.Linker(self.engine)
        self._linker.define_wasi()
        self._linker.allow_shadowing = True
        number = wasmtime.ValType.i32
        for name in ("fd_write", "fd_read", "poll_oneoff"):
            kind = wasmtime.FuncType([number()] * 4, [number()])
            self._linker.define_func(_WASI, name, kind, self._place.function(name), access_caller=True)
        self._linker.define_func(_WASI, "proc_exit", wasmtime.FuncType([number()], []), self._place.exit)

    def link(self, module: wasmtime.Module) -> wasmtime.InstancePre:
        """Raises wasmtime.WasmtimeError if its imports are not what we have."""
        return self._linker.instantiate_pre(module)

    def interrupt(self) -> None:
        """End whatever the module is doing. Called from any thread."""
        self.engine.increment_epoch()

    def store(self, call: Call, name: str, host: Host) -> wasmtime.Store:
        """A place for one instance, with nothing in it but this call's own."""
        wasi = wasmtime.WasiConfig()
        wasi.argv = [name, call.payload.decode()]
        wasi.env = list(call.env.items())
        store = wasmtime.Store(self.engine)
        store.set_wasi(wasi)
        store.set_limits(
            memory_size=call.limits.memory_bytes,
            table_elements=MAX_TABLE_ELEMENTS,
            instances=1,
            tables=MAX_TABLES,
            memories=1,
        )
        store.set_epoch_deadline(1)
        self._place.host = host
        host.begin()
        return store

    def leave(self, store: wasmtime.Store) -> None:
        self._place.host = None
        store.close()


class _Place:
    """Who answers the module's calls just now. Apart from the workshop, which wasmtime would otherwise keep for ever:
    its Python side holds the functions of a linker until that goes."""

    def __init__(self) -> None:
        self.host: Host | None = None

    def function(self, name: str) -> Callable[..., int]:
        method: Callable[..., int] = getattr(Host, name)

        def call(caller: wasmtime.Caller, *numbers: int) -> int:
            try:
                return method(self.host, caller, *numbers)
            except Exception:  # may not be raised through the module, whatever it is
                return _IO_ERROR

        return call

    def exit(self, code: int) -> None:
        if self.host is not None:
            self.host.proc_exit(code)
