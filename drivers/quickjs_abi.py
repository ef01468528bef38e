"""Call into a WebAssembly instance at a tenth of the cost of wasmtime's own Python calls.

``wasmtime.Func.__call__`` asks for the function's type on each call (about 50 µs), and ``Instance.exports`` wraps
all sixty exports of a fresh instance (700 µs). A step crosses the boundary a dozen times, so this file goes to the
C API underneath. It reaches into ``wasmtime._ffi``: wasmtime is pinned exactly, and tests/drivers cover it.
"""

import ctypes
from collections.abc import Mapping
from typing import Any

import wasmtime
from wasmtime import _ffi as ffi

_Words = ffi.wasmtime_val_raw_t * 8
_TrapPointer = ctypes.POINTER(ffi.wasm_trap_t)


class GuestFault(Exception):
    """The guest broke its side of the agreement: an address outside its memory, a missing export."""


class Guest:
    """A fresh instance: its memory, and its functions by name. All values that cross are 32-bit integers."""

    def __init__(self, store: wasmtime.Store, instance: wasmtime.Instance) -> None:
        self._context = store._context()
        self._instance = instance._instance
        self._functions: dict[str, ffi.wasmtime_func_t] = {}
        self._memory = self._export("memory").of.memory

    def call(self, name: str, *arguments: int) -> int:
        """Raises wasmtime.Trap or wasmtime.WasmtimeError. The result of a function that has none is undefined."""
        function = self._functions.get(name)
        if function is None:
            function = self._functions[name] = self._export(name).of.func
        words = _Words()
        for at, value in enumerate(arguments):
            words[at].i32 = value
        trap = _TrapPointer()
        error = ffi.wasmtime_func_call_unchecked(
            self._context, ctypes.byref(function), words, len(words), ctypes.byref(trap)
        )
        _raise(error, wasmtime.WasmtimeError)
        _raise(trap, wasmtime.Trap)
        return int(words[0].i32)

    def size(self) -> int:
        """Bytes of memory."""
        return int(ffi.wasmtime_memory_data_size(self._context, ctypes.byref(self._memory)))

    def grow(self, size: int) -> None:
        """Make memory ``size`` bytes, whole pages."""
        pages = (size - self.size()) // 65536
        before = ctypes.c_uint64()
        error = ffi.wasmtime_memory_grow(self._context, ctypes.byref(self._memory), pages, ctypes.byref(before))
        _raise(error, wasmtime.WasmtimeError)

    def read(self, address: int, length: int) -> bytes:
        return ctypes.string_at(self._at(address, length), length)

    def write(self, address: int, data: bytes) -> None:
        ctypes.memmove(self._at(address, len(data)), data, len(data))

    def read_word(self, address: int) -> int:
        return int.from_bytes(self.read(address, 4), "little", signed=True)

    def write_words(self, address: int, *values: int) -> None:
        self.write(address, b"".join((value & 0xFFFFFFFF).to_bytes(4, "little") for value in values))

    def stack_pointer(self) -> int:
        value = ffi.wasmtime_val_t()
        ffi.wasmtime_global_get(self._context, ctypes.byref(self._stack_global()), ctypes.byref(value))
        return int(value.of.i32)

    def set_stack_pointer(self, address: int) -> None:
        value = ffi.wasmtime_val_t(kind=ffi.WASMTIME_I32)
        value.of.i32 = address
        error = ffi.wasmtime_global_set(self._context, ctypes.byref(self._stack_global()), ctypes.byref(value))
        _raise(error, wasmtime.WasmtimeError)

    def restore(self, pages: Mapping[int, bytes]) -> None:
        """Write runs of bytes at their addresses."""
        for address, data in pages.items():
            self.write(address, data)

    def _at(self, address: int, length: int) -> int:
        # Every address comes from the guest, which runs code that we do not trust.
        if address < 0 or length < 0 or address + length > self.size():
            raise GuestFault(f"{length} bytes at {address} are outside the sandbox's memory")
        start = ffi.wasmtime_memory_data(self._context, ctypes.byref(self._memory))
        return ctypes.addressof(start.contents) + address

    def _stack_global(self) -> ffi.wasmtime_global_t:
        return self._export("__stack_pointer").of.global_

    def _export(self, name: str) -> ffi.wasmtime_extern_t:
        item = ffi.wasmtime_extern_t()
        key = ctypes.create_string_buffer(name.encode())
        if not ffi.wasmtime_instance_export_get(
            self._context, ctypes.byref(self._instance), key, len(name), ctypes.byref(item)
        ):
            raise GuestFault(f"the sandbox has no export {name}")
        return item


def _raise(pointer: Any, kind: type[wasmtime.WasmtimeError] | type[wasmtime.Trap]) -> None:
    if pointer:
        raise kind._from_ptr(pointer)
