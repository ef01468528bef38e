"""A QuickJS sandbox: one WebAssembly instance a step, thrown away after it.

The guest is quickjs-rs's ``_guest.wasm``. We drive it ourselves (its Python side is written for long-lived contexts
and costs milliseconds a call), by the agreement in ``quickjs_rs/_engine.py``: values are handles, texts go through
memory, four imports call back. quickjs-rs is alpha and pinned exactly; what we rely on stands in this file alone.
"""

import os
import platform
import resource
import threading
from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files
from typing import Protocol

import wasmtime

from drivers import compiled_wasm
from drivers.quickjs_abi import Guest

_PAGE = 4096
_SCRATCH = 64
_SMALL_STACK = 512 * 1024
_LARGE_STACK = 2 * 1024 * 1024  # the most that wasmtime takes without its async stacks being larger
_IMPORTS = {"host_call": 5, "host_interrupt": 0, "host_module_normalize": 5, "host_module_load": 3}
"""What the guest calls, and with how many words."""


class Host(Protocol):
    """What the code in a sandbox can reach outside it, and all that it can."""

    def resolve(self, base: str, specifier: str) -> str | None: ...
    def source(self, name: str) -> str | None: ...
    def log(self, line: str) -> bool: ...


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
        config.max_wasm_stack = _native_stack()
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
        argument = self._text(self.guest.read_word(arguments), 1 << 20) if count else b""
        text = argument.decode(errors="replace") if isinstance(argument, bytes) else ""
        if called == "log":
            return self.guest.call("new_bool", self._host.log(text))
        return self._new_string(os.urandom(min(int(text), 65536)).hex().encode())

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
        self.guest.call("qjs_free", at, len(data))
        if handle == 0:
            raise GuestError("out of memory")
        return handle

    def _text(self, handle: int, limit: int) -> bytes | int:
        if self.guest.call("get_string", handle) != 0:
            raise GuestError("a value that is not a well-formed text")
        length = self.guest.call("qjs_last_len")
        text = length if length > limit else self.guest.read(self.guest.call("qjs_last_ptr"), length)
        self.guest.call("qjs_result_free")
        return text

    def _place(self, data: bytes) -> int:
        at = self.guest.call("qjs_alloc", len(data))
        if at == 0:
            raise GuestError("out of memory")
        self.guest.write(at, data)
        return at

    def _utf8(self, at: int, length: int) -> str:
        return self.guest.read(at, length).decode()


def _native_stack() -> int:
    """How much of a thread's stack the guest may use: half, where we know its size. Beyond it the guest traps; were
    it more than there is, the process would crash."""
    if platform.libc_ver()[0] != "glibc":
        return _SMALL_STACK
    whole = threading.stack_size() or resource.getrlimit(resource.RLIMIT_STACK)[0]
    known = 4 * _SMALL_STACK if whole == resource.RLIM_INFINITY else whole  # then glibc's threads have 2 MiB
    return max(min(known // 2, _LARGE_STACK), _SMALL_STACK)


class _NoHost:
    def resolve(self, base: str, specifier: str) -> str | None:
        return None

    def source(self, name: str) -> str | None:
        return None

    def log(self, line: str) -> bool:
        return False


def take_image(machine: Machine) -> Image:
    """What sandboxes start from. Good for every machine of the process: it is memory, not code."""
    sandbox = Sandbox(machine, _NoHost(), memory_bytes=64 * 1024 * 1024)
    guest = sandbox.guest
    try:
        fresh = guest.read(0, guest.size())
        prelude = sandbox.evaluate((files("drivers") / "prelude.js").read_bytes())
        undefined = guest.call("new_undefined")
        scratch = guest.call("qjs_alloc", _SCRATCH)
        guest.write_words(scratch, sandbox.function(b"log"), sandbox.function(b"random"))
        control = sandbox.call_function(prelude, undefined, scratch, 2, scratch + 32)
        used = guest.read(0, guest.size())
        return Image(len(used), guest.stack_pointer(), _runs(fresh, used), control, undefined, scratch)
    finally:
        sandbox.close()


def _runs(fresh: bytes, used: bytes) -> dict[int, bytes]:
    """Where ``used`` differs from ``fresh`` (zeros beyond its end), as runs of whole pages."""
    fresh = fresh.ljust(len(used), b"\x00")
    runs: dict[int, bytes] = {}
    start: int | None = None
    for at in range(0, len(used) + _PAGE, _PAGE):
        differs = used[at : at + _PAGE] != fresh[at : at + _PAGE]
        if differs and start is None:
            start = at
        elif not differs and start is not None:
            runs[start] = used[start:at]
            start = None
    return runs
