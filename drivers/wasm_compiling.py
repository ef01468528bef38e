"""Steps' modules compiled, once a machine, in a process of their own: what is hostile or huge can be ended there.

A compiler cannot be interrupted, and one function of a few megabytes may cost it minutes and gigabytes. The child reads
the module from its standard input and leaves machine code at the path that it is given (`drivers.compiled_wasm`).
"""

import ctypes
import hashlib
import math
import os
import resource
import signal
import subprocess
import sys
from contextlib import nullcontext, suppress
from pathlib import Path

import wasmtime

from drivers import compiled_wasm
from drivers.cache_folder import private_folder
from drivers.contract import Abort
from drivers.modules import ModuleFault
from drivers.settings import current
from drivers.shown_text import one_line
from drivers.wasm_check import problems_of
from drivers.wasm_engine import SETTINGS, new_engine

BY_THE_CLOCK = 3
"""How many times its processor time a child may take: the machine is busy, or another child compiles the same."""
# The limit counts what is reserved, too; with a thread, and a heap for it, per processor, that would be the most of it.
_FEW_THREADS = {"RAYON_NUM_THREADS": str(min(4, os.cpu_count() or 1)), "MALLOC_ARENA_MAX": "2"}
_FAILED, _NOT_KEPT, _NOT_WHOLE, _NO_MEMORY = 3, 4, 5, 6
"""How the child ends when it did not leave machine code at the path: what it says is a reason, the code, or nothing."""
_SAID_NO_MEMORY = b"memory allocation of"
_PARENT_DEATH_SIGNAL = 1


class Stopped(Exception):
    """The call was aborted meanwhile."""


def machine_code(engine: wasmtime.Engine, name: str, wasm: bytes, abort: Abort) -> wasmtime.Module:
    """The module, ready to be linked.

    Raises ModuleFault for what another attempt will not change, CompilerStopped for what it may, and Stopped.
    """
    folder = private_folder("wasm-steps")
    path = folder / compiled_wasm.file_name("step", wasm, SETTINGS) if folder else None
    found = _kept(engine, path)
    if found is not None:
        return found
    problems = problems_of(wasm)  # deploys are checked too, but not by this version of the server
    if problems:
        raise ModuleFault("InvalidModule", f"{name} {'; '.join(problems)}")
    try:
        code = _compile(path, wasm, abort)
        found = None if code else _kept(engine, path)
        if found is not None:
            return found
        # Or, if what was kept is gone at once: someone empties the folder.
        return wasmtime.Module.deserialize(engine, code or _compile(None, wasm, abort))
    except _CannotCompile as fault:
        raise ModuleFault("CannotCompile", f"{name} cannot be compiled: {fault}") from None


class CompilerStopped(Exception):
    """The process that compiles was ended by what another attempt may not meet; the text is for people."""


class _CannotCompile(Exception):
    """For good."""


def _kept(engine: wasmtime.Engine, path: Path | None) -> wasmtime.Module | None:
    if path is None:
        return None
    with suppress(OSError):  # the time of its last use, by which the oldest are found
        os.utime(path)
    return compiled_wasm.read(engine, path)


def _compile(path: Path | None, wasm: bytes, abort: Abort) -> bytes:
    """Machine code if it could not be kept, else nothing."""
    limits = current().wasm
    seconds, memory = math.ceil(limits.compile_seconds), limits.compile_memory_bytes
    numbers = [limits.cache_max_bytes, os.getpid(), seconds, memory]
    words = [str(path or ""), hashlib.sha256(wasm).hexdigest(), *map(str, numbers)]
    command = [sys.executable, "-P", "-m", "drivers.wasm_compiling", *words]
    places = os.pathsep.join(place or str(Path.cwd()) for place in sys.path)
    environment = os.environ | _FEW_THREADS | {"PYTHONPATH": places, "RUST_BACKTRACE": "0"}
    pipe = subprocess.PIPE
    try:
        # In a session of its own: what a terminal sends to all of ours is not for it.
        child = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, env=environment, start_new_session=True)
    except OSError as fault:
        raise CompilerStopped(f"no process for it can be started: {fault.strerror}") from None
    with child:
        forget = abort.on_set(child.kill)
        try:
            told, said = child.communicate(wasm, timeout=BY_THE_CLOCK * seconds)
        except subprocess.TimeoutExpired:
            raise CompilerStopped(f"that did not end within {BY_THE_CLOCK * seconds:,} s") from None
        finally:
            forget()
            child.kill()
    if abort.is_set():
        raise Stopped
    match child.returncode:
        case 0:
            return b""
        case code if code == _NOT_KEPT:
            return told
        case code if code == _FAILED:
            raise _CannotCompile(told.decode(errors="replace"))
        case code if code == -signal.SIGXCPU:
            raise _CannotCompile(f"that takes more than {seconds:,} s of processor time")
        case code if code == _NO_MEMORY or (code == -signal.SIGABRT and _SAID_NO_MEMORY in said):
            raise _CannotCompile(f"that takes more than {memory:,} bytes of memory")
        case code:
            raise CompilerStopped(_how_it_ended(code, said))


def _how_it_ended(code: int, said: bytes) -> str:
    if code == _NOT_WHOLE:
        return "the process that does it did not get the whole of it"
    if code < 0:
        return f"the process that does it was ended by {signal.strsignal(-code) or 'a signal'} (signal {-code})"
    lines = said.decode(errors="replace").strip().splitlines()
    return f"the process that does it exited with code {code}: {one_line(lines[-1] if lines else 'it said nothing')}"


def confine(parent: int, seconds: int, memory_bytes: int) -> None:
    """In the child, first of all. Where a system lacks one of these, the parent's clock holds."""
    with suppress(AttributeError):  # on Linux it ends with its parent, however that ends
        ctypes.CDLL(None).prctl(_PARENT_DEATH_SIGNAL, signal.SIGKILL)
    if os.getppid() != parent:  # which has gone before
        sys.exit(_NOT_WHOLE)
    limits = {
        # First comes SIGXCPU, which nothing else sends; SIGKILL could be anybody's.
        resource.RLIMIT_CPU: (seconds, seconds + 5),
        resource.RLIMIT_AS: (memory_bytes, memory_bytes),
        resource.RLIMIT_CORE: (0, 0),
    }
    for what, most in limits.items():
        with suppress(OSError, ValueError):
            resource.setrlimit(what, most)
    os.nice(5)  # steps that run meanwhile come first
    with suppress(OSError):  # and if this machine has less memory than that, it is not the worker that is to die
        Path("/proc/self/oom_score_adj").write_text("1000", "ascii")


def main(path: Path | None, digest: str, cache_bytes: int) -> int:
    """In the child, which is confined."""
    try:
        wasm = sys.stdin.buffer.read()
        if hashlib.sha256(wasm).hexdigest() != digest:
            return _NOT_WHOLE  # the parent died as it wrote; and the beginning of a module may well be one
        return _leave(path, wasm, cache_bytes)
    except MemoryError:
        return _NO_MEMORY


def _leave(path: Path | None, wasm: bytes, cache_bytes: int) -> int:
    engine = new_engine()
    with compiled_wasm.locked(path) if path else nullcontext():
        if path and compiled_wasm.read(engine, path) is not None:
            return 0  # another process has been at it
        try:
            code = bytes(wasmtime.Module(engine, wasm).serialize())
        except wasmtime.WasmtimeError as fault:
            sys.stdout.write(one_line(str(fault)))
            return _FAILED
        if not path or not compiled_wasm.keep(path, code):
            sys.stdout.buffer.write(code)
            return _NOT_KEPT
        compiled_wasm.sweep(path.parent, cache_bytes)
        return 0


if __name__ == "__main__":
    place, whole, keeping, *limits = sys.argv[1:]
    confine(*map(int, limits))
    sys.exit(main(Path(place) if place else None, whole, int(keeping)))
