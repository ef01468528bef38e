"""A QuickJS sandbox: one WebAssembly instance a step, thrown away after it.

The guest is quickjs-rs's ``_guest.wasm``. We drive it ourselves (its Python side is written for long-lived contexts
and costs milliseconds a call), by the agreement in ``quickjs_rs/_engine.py``: values are handles, texts go through
memory, four imports call back. quickjs-rs is alpha and pinned exactly; what we rely on stands in this file alone.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files
from typing import Protocol

import wasmtime

from drivers import compiled_wasm
from drivers.native_stack import native_stack
from drivers.quickjs_abi import Guest

_IMPORTS = {"host_call": 5, "host_interrupt": 0, "host_module_normalize": 5, "host_module_load": 3}
"""What the guest calls, and with how many words."""


class Host(Protocol):
    """What the code in a sandbox can reach outside it, and all that it can."""

    def resolve(self, base: str, specifier: str) -> str | None: ...
    def source(self, name: str) -> str | None: ...
    def log(self, line: str) -> bool: ...
    def refusal(self, url: str) -> str: ...
    def fetch(self, description: str, body: bytes) -> bool: ...
    def stop_fetch(self, number: int) -> None: ...


class NoHost:
    """Nothing is outside."""

    def resolve(self, base: str, specifier: str) -> str | None:
        return None

    def source(self, name: str) -> str | None:
        return None

    def log(self, line: str) -> bool:
        return False

    def refusal(self, url: str) -> str:
        return ""

    def fetch(self, description: str, body: bytes) -> bool:
        return False

    def stop_fetch(self, number: int) -> None:
        return None


class GuestError(Exception):
    """The engine itself reported a failure that no JavaScript could catch."""


@dataclass(frozen=True, slots=True)
class Image:
    """The memory of a guest in which the prelude has run, as the runs of bytes that a fresh one lacks."""

    size: int
    stack_pointer: int
    runs: dict[int, bytes]
    control: int
    undefined: int
    scratch: int


class Machine:
    """An engine with the compiled guest. It runs one sandbox at a time, so moving its epoch ends just that one."""

    def __init__(self) -> None:
        config = wasmtime.Config()
        config.epoch_interruption = True
        config.max_wasm_stack = native_stack()
        self.engine = wasmtime.Engine(config)
        wasm = (files("quickjs_rs") / "_guest.wasm").read_bytes()
        module = compiled_wasm.load(self.engine, "quickjs", wasm, "epochs")
        self.active: Sandbox | None = None
        linker = wasmtime.Linker(self.engine)
        linker.define_wasi()
        word = wasmtime.ValType.i32
        for name, arity in _IMPORTS.items():
            kind = wasmtime.FuncType([word()] * arity, [word()])
            linker.define_func("env", name, kind, self._import(name))
        self._ready = linker.instantiate_pre(module)

    def interrupt(self) -> None:
        """End whatever the sandbox is doing. Called from any thread."""
        self.engine.increment_epoch()

    def store(self, memory_bytes: int) -> wasmtime.Store:
        store = wasmtime.Store(self.engine)
        store.set_wasi(wasmtime.WasiConfig())  # no files, no environment, output to nowhere
        store.set_limits(memory_size=memory_bytes)
        store.set_epoch_deadline(1)
        return store

    def instantiate(self, store: wasmtime.Store) -> Guest:
        return Guest(store, self._ready.instantiate(store))

    def _import(self, name: str) -> Callable[..., int]:
        def call(*arguments: int) -> int:
            sandbox = self.active
            return sandbox.called(name, arguments) if sandbox is not None else 0

        return call


class Sandbox:
    """One step's JavaScript. Methods raise wasmtime.Trap, wasmtime.WasmtimeError, GuestError or GuestFault."""

    def __init__(self, machine: Machine, host: Host, memory_bytes: int, image: Image | None = None) -> None:
        self._machine = machine
        self._host = host
        self._store = machine.store(memory_bytes)
        machine.active = self
        self.guest = machine.instantiate(self._store)
        if image is not None:
            self.guest.grow(image.size)
            self.guest.restore(image.runs)
            self.guest.set_stack_pointer(image.stack_pointer)
            self.image = image

    def close(self) -> None:
        self._machine.active = None
        self._store.close()

    def start(self, text: str) -> None:
        argument = self._new_string(text.encode())
        self.guest.write_words(self.image.scratch, argument)
        self._control(1)
        self.guest.call("free_value", argument)

    def deliver(self, text: str, content: bytes) -> None:
        """Tell the prelude what became of a request."""
        arguments = self._new_string(text.encode()), self._new_bytes(content)
        self.guest.write_words(self.image.scratch, *arguments)
        for handle in (self._control(2), *arguments):
            self.guest.call("free_value", handle)

    def settle(self) -> None:
        """Run promises' continuations until none is left."""
        while self.guest.call("execute_pending_jobs") > 0:  # it returns now and then, with more to do
            pass

    def state(self, limit: int) -> bytes | int:
        """The prelude's answer; if longer than ``limit`` bytes, only its length."""
        return self._text(self._control(0), limit)

    def called(self, name: str, arguments: tuple[int, ...]) -> int:
        """An import was called. Nothing may be raised through the guest."""
        try:
            if name == "host_call":
                return self._host_call(*arguments)
            if name == "host_module_normalize":
                base, specifier = self._utf8(*arguments[:2]), self._utf8(*arguments[2:4])
                return self._give(self._host.resolve(base, specifier), arguments[4])
            if name == "host_module_load":
                return self._give(self._host.source(self._utf8(*arguments[:2])), arguments[2])
            return 0
        except Exception:
            return -1 if name == "host_call" else 0

    def evaluate(self, code: bytes) -> int:
        at, out = self._place(code), self.guest.call("qjs_alloc", 4)
        if self.guest.call("eval_code", at, len(code), out) != 0:
            raise GuestError("the prelude does not evaluate")
        return self.guest.read_word(out)

    def load_module(self, name: str, source: str) -> tuple[str, str]:
        """Compile a module, load what it imports, and run it. What was thrown: its message and stack, "" if nothing."""
        code, title, out = source.encode(), name.encode(), self.guest.call("qjs_alloc", 4)
        words = self._place(code), len(code), self._place(title), len(title), out
        if self.guest.call("eval_module", *words) == 0:
            return "", ""
        self.guest.call("last_exception", out)
        thrown = self.guest.read_word(out)
        return self._field(thrown, b"message"), self._field(thrown, b"stack")

    def _field(self, thrown: int, name: bytes) -> str:
        out = self.guest.call("qjs_alloc", 4)
        if self.guest.call("get_prop", thrown, self._place(name), len(name), out) != 0:
            return ""
        text = self._text(self.guest.read_word(out), 65536)
        return text.decode(errors="replace") if isinstance(text, bytes) else ""

    def function(self, name: bytes) -> int:
        return self.guest.call("new_function", self._place(name), len(name))

    def call_function(self, function: int, this: int, arguments_at: int, count: int, out: int) -> int:
        if self.guest.call("call_function", function, this, arguments_at, count, out) != 0:
            raise GuestError("the sandbox's control failed")
        return self.guest.read_word(out)

    def _control(self, count: int) -> int:
        image = self.image
        return self.call_function(image.control, image.undefined, image.scratch, count, image.scratch + 32)

    def _host_call(self, name: int, name_length: int, _this: int, count: int, arguments: int) -> int:
        called = self._utf8(name, name_length)
        handles = [self.guest.read_word(arguments + 4 * at) for at in range(count)]
        if called == "decode":
            return self._new_string(self._content(handles[0]).decode("utf-8-sig", errors="replace").encode())
        argument = self._text(handles[0], 1 << 20) if handles else b""
        text = argument.decode(errors="replace") if isinstance(argument, bytes) else ""
        if called == "log":
            return self.guest.call("new_bool", self._host.log(text))
        if called == "refusal":
            return self._new_string(self._host.refusal(text).encode())
        if called == "fetch":
            return self.guest.call("new_bool", self._host.fetch(text, self._content(handles[1])))
        if called == "stop_fetch":
            self._host.stop_fetch(int(text))
            return self.guest.call("new_undefined")
        return self._new_string(os.urandom(min(int(text), 65536)).hex().encode())

    def _content(self, handle: int) -> bytes:
        """What a text, a Uint8Array, or null holds."""
        out = self.image.scratch + 40
        if self.guest.call("get_typed_array_buffer", handle, out, out + 4, out + 8) == 0:
            return self._result()
        return self._result() if self.guest.call("get_string", handle) == 0 else b""

    def _result(self) -> bytes:
        length = self.guest.call("qjs_last_len")
        found = self.guest.read(self.guest.call("qjs_last_ptr"), length)
        self.guest.call("qjs_result_free")
        return found

    def _give(self, text: str | None, length_at: int) -> int:
        if text is None:
            return 0
        data = text.encode()
        at = self._place(data)
        self.guest.write_words(length_at, len(data))
        return at

    def _new_string(self, data: bytes) -> int:
        at = self._place(data)
        handle = self.guest.call("new_string", at, len(data))
        self.guest.call("qjs_free", at, len(data) or 1)
        if handle == 0:
            raise GuestError("out of memory")
        return handle

    def _new_bytes(self, data: bytes) -> int:
        at, out = self._place(data), self.image.scratch + 40
        status = self.guest.call("new_uint8array", at, len(data), out)
        self.guest.call("qjs_free", at, len(data) or 1)
        if status != 0:
            raise GuestError("out of memory")
        return self.guest.read_word(out)

    def _text(self, handle: int, limit: int) -> bytes | int:
        if self.guest.call("get_string", handle) != 0:
            raise GuestError("a value that is not a well-formed text")
        length = self.guest.call("qjs_last_len")
        text = length if length > limit else self.guest.read(self.guest.call("qjs_last_ptr"), length)
        self.guest.call("qjs_result_free")
        return text

    def _place(self, data: bytes) -> int:
        at = self.guest.call("qjs_alloc", len(data) or 1)  # of nothing, it answers as if there were no memory left
        if at == 0:
            raise GuestError("out of memory")
        self.guest.write(at, data)
        return at

    def _utf8(self, at: int, length: int) -> str:
        return self.guest.read(at, length).decode()
