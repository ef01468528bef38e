"""TypeScript to JavaScript, by the OXC transform that quickjs-rs ships as WebAssembly."""

from importlib.resources import files
from typing import cast

import wasmtime
from quickjs_rs import _transform

from drivers import compiled_wasm
from drivers.modules import ModuleFault

PROBLEM = "source parse error in {path}: "
"""What stands before the parser's own words. They are joined by "; "."""

_MEMORY_BYTES = 512 * 1024 * 1024


class _Instance(_transform._TransformInstance):
    """quickjs-rs's caller of the transform, on our engine: ours can be interrupted, is limited, and prints nothing."""

    def __init__(self, store: wasmtime.Store, instance: wasmtime.Instance) -> None:
        self.store = store
        self.inst = instance
        exports = instance.exports(store)
        self.mem = cast(wasmtime.Memory, exports["memory"])
        self._exports = exports
        self._closed = False


class TypeStripper:
    """Strips types on one engine. A fresh instance for each file, so that one file's crash is not another's."""

    def __init__(self, engine: wasmtime.Engine) -> None:
        self._engine = engine
        wasm = (files("quickjs_rs") / "_transform.wasm").read_bytes()
        self._module = compiled_wasm.load(engine, "transform", wasm, "epochs")
        self._linker = wasmtime.Linker(engine)
        self._linker.define_wasi()

    def strip(self, path: str, source: str) -> str:
        """Raises ModuleFault if the source does not parse, wasmtime.Trap if it was interrupted."""
        store = wasmtime.Store(self._engine)
        store.set_wasi(wasmtime.WasiConfig())
        store.set_limits(memory_size=_MEMORY_BYTES)
        store.set_epoch_deadline(1)
        instance = _Instance(store, self._linker.instantiate(store, self._module))
        try:
            return instance.transform(path, source.encode(), flags=_transform.module_transform_flags(path))
        except _transform.TransformError as fault:
            raise ModuleFault("SyntaxError", str(fault)) from None
        except wasmtime.Trap as fault:
            if fault.trap_code == wasmtime.TrapCode.INTERRUPT:
                raise
            raise ModuleFault(
                "SyntaxError", f"{path} cannot be read: its code is nested too deep, or too large"
            ) from None
        finally:
            instance.close()
