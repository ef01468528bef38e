"""The wasm driver: run a function's own WebAssembly, a program for WASI preview 1, in a sandbox of its own."""

import posixpath
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import wasmtime

from drivers import answers
from drivers.contract import Abort, Bundle, Call, Outcome
from drivers.cutoff import Cutoff
from drivers.modules import ModuleFault, entry_of
from drivers.settings import current
from drivers.stdout import split_output
from drivers.wasm_check import START
from drivers.wasm_compiling import CompilerStopped, Stopped
from drivers.wasm_engine import Workshop
from drivers.wasm_format import read_interface
from drivers.wasm_host import Host
from drivers.wasm_modules import Modules
from drivers.wasm_traps import backtrace, name_and_words

_GIVEN_UP = ("Unreachable", "MemoryOutOfBounds")


class WasmDriver:
    queue = "steps.cpu"

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: list[Workshop] = []
        self._modules = Modules()

    def run(self, call: Call, abort: Abort) -> Outcome:
        if call.bundle is None:
            return answers.failed("NoBundle", "the step has no files to run", retryable=False)
        bad = next((name for name, value in call.env.items() if not _storable(name + value)), None)
        if bad is not None:
            message = f"the environment variable {bad!r} holds a NUL, or what is no Unicode"
            return answers.failed("BadVariable", message, retryable=False)
        with self._workshop() as workshop:
            try:
                path = entry_of(call.bundle, call.runtime.get("module") or "main.wasm")
                # This may compile for long, which is not the step's time: its own begins after it.
                ready = self._modules.ready(workshop, call.bundle, path, abort)
            except ModuleFault as fault:
                return answers.failed(fault.name, str(fault), retryable=False)
            except CompilerStopped as fault:
                return answers.failed("CompilerStopped", f"{path} was not compiled: {fault}")
            except Stopped:
                return answers.aborted()
            with Cutoff(call.timeout, abort) as cutoff:
                return _Attempt(call, call.bundle, path, workshop, cutoff).run(ready)

    def close(self) -> None:
        with self._lock:
            self._idle.clear()

    @contextmanager
    def _workshop(self) -> Iterator[Workshop]:
        with self._lock:
            workshop = self._idle.pop() if self._idle else None
        workshop = workshop or Workshop()
        yield workshop
        with self._lock:
            if len(self._idle) < current().cpu_slots:
                self._idle.append(workshop)


class _Attempt:
    """One call, from its instance to its outcome."""

    def __init__(self, call: Call, bundle: Bundle, path: str, workshop: Workshop, cutoff: Cutoff) -> None:
        self._call = call
        self._bundle = bundle
        self._path = path
        self._workshop = workshop
        self._cutoff = cutoff
        self._host = Host(call.payload, call.limits, workshop.interrupt)
        self._memory_used = 0

    def run(self, ready: wasmtime.InstancePre) -> Outcome:
        store = self._workshop.store(self._call, posixpath.basename(self._path), self._host)
        instance = None
        try:
            self._cutoff.stops(self._stop)
            instance = ready.instantiate(store)
            start = instance.exports(store)[START]
            assert isinstance(start, wasmtime.Func)  # the module was checked
            start(store)
        except (wasmtime.Trap, wasmtime.WasmtimeError) as fault:
            self._memory_used = _memory_of(instance, store)
            return self._ended(fault, instance is not None)
        finally:
            self._workshop.leave(store)
        return self._ended(None, began=True)

    def _stop(self) -> None:
        self._workshop.interrupt()
        self._host.wake()

    def _ended(self, fault: Exception | None, began: bool) -> Outcome:
        """What is asked first is what came first: a program that has exited cannot be stopped any more."""
        host, limits = self._host, self._call.limits
        lines, output = split_output(host.stdout)
        log = host.log(lines)
        if host.flooded:
            return answers.too_large(limits.output_bytes + limits.log_bytes + 1, limits, log, at_least=True)
        stopped = self._cutoff.reason
        if stopped is not None and (host.slept_short or (fault is not None and host.exit_code is None)):
            return answers.aborted(log) if stopped == "abort" else answers.timed_out(self._call.timeout, log)
        if host.exit_code is not None:
            return self._exited(host.exit_code, output, log)
        if fault is None:
            return answers.completed(output, limits, log)
        if not began and not isinstance(fault, wasmtime.Trap):
            return self._not_begun(fault, log)
        return self._trapped(fault, log)

    def _exited(self, code: int, output: bytes, log: str) -> Outcome:
        outcome = answers.completed(output, self._call.limits, log)
        if code == 0:
            return outcome
        if self._host.short_of_memory:
            return self._out_of_memory(log)
        # A status in its output says whether another try may help, as in one that ends well.
        return answers.failed(
            "ExitCode",
            self._with_last_words(f"the module exited with code {code}", lines=1),
            "\n".join(self._host.last_words),
            output=answers.kept_body(output, self._call.limits),
            retryable=outcome.error is None or outcome.error.name != "StatusError" or outcome.retryable,
            log=log,
        )

    def _trapped(self, fault: Exception, log: str) -> Outcome:
        name, words = name_and_words(fault)
        if name in _GIVEN_UP and self._short_of_memory():
            return self._out_of_memory(log)
        return answers.failed(name, self._with_last_words(words, lines=3), backtrace(fault), log=log)

    def _not_begun(self, fault: Exception, log: str) -> Outcome:
        least, most = read_interface(self._bundle.files[self._path]).memory_bytes, self._call.limits.memory_bytes
        if least > most:
            message = f"the module begins with {least:,} bytes of memory; the limit is {most:,} bytes"
            return answers.failed("MemoryLimit", message, retryable=False, log=log)
        return answers.failed("InvalidModule", name_and_words(fault)[1], retryable=False, log=log)

    def _short_of_memory(self) -> bool:
        # Half: what was refused may have been the doubling of what there was.
        near = self._memory_used > self._call.limits.memory_bytes * 0.5
        return near or self._host.short_of_memory

    def _out_of_memory(self, log: str) -> Outcome:
        message = f"the step needs more than its {self._call.limits.memory_bytes:,} bytes of memory"
        return answers.failed("MemoryLimit", message, log=log)

    def _with_last_words(self, message: str, lines: int) -> str:
        said = "\n".join(self._host.last_words[-lines:]).strip()
        return f"{message}: {said}" if said else message


def _memory_of(instance: wasmtime.Instance | None, store: wasmtime.Store) -> int:
    memory = instance.exports(store).get("memory") if instance is not None else None
    return memory.data_len(store) if isinstance(memory, wasmtime.Memory) else 0


def _storable(text: str) -> bool:
    return "\0" not in text and text.encode(errors="ignore").decode() == text
