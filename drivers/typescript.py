"""The typescript driver: run a function's own TypeScript or JavaScript in a sandbox of its own."""

import json
import os
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property

import msgspec
import wasmtime

from drivers import answers
from drivers.contract import Abort, Bundle, Call, Outcome
from drivers.cutoff import Cutoff
from drivers.http_client import HttpClient
from drivers.modules import ModuleFault, Sources, entry_of, resolve
from drivers.quickjs_abi import GuestFault
from drivers.quickjs_guest import GuestError, Image, Machine, Sandbox
from drivers.quickjs_image import take_image
from drivers.script_fetch import Fetches
from drivers.stack_traces import readable
from drivers.step_log import StepLog
from drivers.type_stripping import TypeStripper

_BROKEN = (wasmtime.Trap, wasmtime.WasmtimeError, GuestError, GuestFault)


class _Workshop:
    """What one thread at a time needs to run steps; made once, used again by the next."""

    def __init__(self, sources: Sources, client: HttpClient) -> None:
        self.machine = Machine()
        self.client = client
        self._sources = sources

    def javascript(self, bundle: Bundle, path: str) -> str:
        """Raises ModuleFault."""
        return self._sources.javascript(bundle, path, self._strip)

    def _strip(self, path: str, source: str) -> str:
        return self._stripper.strip(path, source)

    @cached_property
    def _stripper(self) -> TypeStripper:  # not needed for JavaScript, nor for what is in the cache
        return TypeStripper(self.machine.engine)


class TypeScriptDriver:
    queue = "steps.cpu"

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: list[_Workshop] = []
        self._sources = Sources()
        self._images: dict[bool, Image] = {}
        """What steps start from, without and with `fetch`; made when the first needs it."""
        self._client = HttpClient(guarded=True)

    def run(self, call: Call, abort: Abort) -> Outcome:
        if call.bundle is None:
            return answers.failed("NoBundle", "the step has no files to run", retryable=False)
        # Making a workshop may compile for seconds, which are not the step's: they come before its time begins.
        with self._workshop() as workshop:
            image = self._image(workshop.machine, with_fetch=bool(_hosts(call)))
            with Cutoff(call.timeout, abort) as cutoff:
                return _Attempt(call, call.bundle, workshop, cutoff).run(image)

    def close(self) -> None:
        with self._lock:
            self._idle.clear()
        self._client.close()

    @contextmanager
    def _workshop(self) -> Iterator[_Workshop]:
        with self._lock:
            workshop = self._idle.pop() if self._idle else _Workshop(self._sources, self._client)
        yield workshop
        with self._lock:
            self._idle.append(workshop)

    def _image(self, machine: Machine, with_fetch: bool) -> Image:
        if with_fetch not in self._images:
            with self._lock:
                if with_fetch not in self._images:
                    self._images[with_fetch] = take_image(machine, with_fetch)
        return self._images[with_fetch]


class _Attempt:
    """One call, and the host that its sandbox sees."""

    def __init__(self, call: Call, bundle: Bundle, workshop: _Workshop, cutoff: Cutoff) -> None:
        self._call = call
        self._bundle = bundle
        self._workshop = workshop
        self._cutoff = cutoff
        self._log = StepLog(call.limits.log_bytes)
        self._fault: ModuleFault | None = None
        self._woken = threading.Event()
        self._fetches = Fetches(workshop.client, _hosts(call), call.limits, cutoff.deadline, self._woken.set)

    def run(self, image: Image) -> Outcome:
        machine, limits = self._workshop.machine, self._call.limits
        try:
            entry = entry_of(self._bundle, self._call.runtime.get("entrypoint"))
        except ModuleFault as fault:
            return answers.failed(fault.name, str(fault), retryable=False)
        sandbox = None
        try:
            sandbox = Sandbox(machine, self, limits.memory_bytes, image)
            self._cutoff.stops(self._stop)
            sandbox.start(self._text(entry))
            return self._watch(sandbox)
        except _BROKEN as fault:
            return self._broken(fault, sandbox)
        finally:
            self._fetches.close()
            if sandbox is not None:
                sandbox.close()

    def resolve(self, base: str, specifier: str) -> str | None:
        if base not in self._bundle.files:  # the prelude's own import, of the entrypoint
            return specifier
        try:
            return resolve(self._bundle.files, base, specifier)
        except ModuleFault as fault:
            self._fault = fault
            return None

    def source(self, name: str) -> str | None:
        try:
            return self._workshop.javascript(self._bundle, name)
        except ModuleFault as fault:
            self._fault = fault
            return None

    def log(self, line: str) -> bool:
        return self._log.add(line)

    def refusal(self, url: str) -> str:
        return self._fetches.refusal(url)

    def fetch(self, description: str, body: bytes) -> bool:
        return self._fetches.begin(description, body)

    def stop_fetch(self, number: int) -> None:
        self._fetches.stop(number)

    def _stop(self) -> None:
        self._workshop.machine.interrupt()
        self._woken.set()

    def _text(self, entry: str) -> str:
        seed = struct.unpack("<4i", os.urandom(16))
        head = json.dumps([entry, dict(self._call.env), seed], separators=(",", ":"))
        return head + "\n" + self._call.payload.decode()

    def _watch(self, sandbox: Sandbox) -> Outcome:
        """Drive promises, timers and requests until the step has ended."""
        while True:
            sandbox.settle()
            state = sandbox.state(self._call.limits.output_bytes + 1)
            if isinstance(state, int):
                return answers.too_large(state - 1, self._call.limits, self._log.text())
            kind, text = state[:1], state[1:]
            if kind == b"=":
                return answers.completed(text, self._call.limits, self._log.text())
            if kind == b"!":
                return self._threw(text, sandbox)
            if kind == b"?" and not self._fetches.pending():
                message = "the step waits for a promise that nothing is left to settle"
                return answers.failed("NeverSettled", message, log=self._log.text())
            if kind in (b"~", b"?"):
                self._woken.wait(self._call.timeout if kind == b"?" else _seconds(text, self._call.timeout))
            if self._woken.is_set():  # also between timers that leave no time to wait
                self._woken.clear()  # before looking at what may have set it
                if self._cutoff.reason is not None:
                    return self._cut()
                for done in self._fetches.taken():
                    sandbox.deliver(done.said, done.body)

    def _threw(self, text: bytes, sandbox: Sandbox) -> Outcome:
        try:
            error = msgspec.json.decode(text, type=dict[str, str])
        except msgspec.DecodeError:  # the step replaced what our prelude builds on
            return answers.failed("Error", text.decode(errors="replace"), log=self._log.text())
        if self._fault is not None and error["message"].startswith(("Error resolving module", "Error loading module")):
            # The same at every attempt: the files of a version do not change.
            return answers.failed(self._fault.name, str(self._fault), retryable=False, log=self._log.text())
        if (error["name"], error["message"]) == ("InternalError", "out of memory"):
            return self._out_of_memory()
        if error["message"] == "null" and self._near_memory_limit(sandbox):
            return self._out_of_memory()  # there was no room left for an error that says so
        if error["name"] == "NoEntrypoint" and not error["stack"]:  # our prelude's; as little will help another attempt
            return answers.failed(error["name"], error["message"], retryable=False, log=self._log.text())
        stack = readable(error["stack"], self._bundle.files, self.source)
        # Neither the function's list of hosts nor the server's settings are changed by another attempt.
        retryable = (error["name"], error["message"]) not in self._fetches.refused
        return answers.failed(error["name"], error["message"], stack, retryable=retryable, log=self._log.text())

    def _broken(self, fault: Exception, sandbox: Sandbox | None) -> Outcome:
        """The sandbox itself stopped: cut by us, out of memory, or a stack too deep."""
        if self._cutoff.reason is not None:
            return self._cut()
        if isinstance(fault, wasmtime.Trap) and fault.trap_code == wasmtime.TrapCode.STACK_OVERFLOW:
            message = "the step's calls, or its data, are nested too deep"
            return answers.failed("StackOverflow", message, log=self._log.text())
        if sandbox is None or self._near_memory_limit(sandbox):
            return self._out_of_memory()
        return answers.failed("SandboxError", str(fault).splitlines()[0], log=self._log.text())

    def _near_memory_limit(self, sandbox: Sandbox) -> bool:
        # Half: what failed may be the doubling of an array.
        return sandbox.guest.size() > self._call.limits.memory_bytes * 0.5

    def _out_of_memory(self) -> Outcome:
        message = f"the step needs more than its {self._call.limits.memory_bytes:,} bytes of memory"
        return answers.failed("MemoryLimit", message, log=self._log.text())

    def _cut(self) -> Outcome:
        log = self._log.text()
        return answers.aborted(log) if self._cutoff.reason == "abort" else answers.timed_out(self._call.timeout, log)


def _hosts(call: Call) -> tuple[str, ...]:
    hosts = call.runtime.get("hosts")
    return tuple(map(str, hosts)) if isinstance(hosts, list | tuple) else ()


def _seconds(milliseconds: bytes, most: float) -> float:
    """How long to wait for the next timer. The step may have replaced what our prelude reckons with."""
    try:
        seconds = float(milliseconds) / 1000
    except ValueError:
        return most
    return min(max(seconds, 0.0), most) if seconds == seconds else most  # noqa: PLR0124 - NaN
