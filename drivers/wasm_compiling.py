"""Steps' modules compiled, once a machine, in a process of their own: what is hostile or huge can be ended there.

A compiler cannot be interrupted, and one function of a few megabytes may cost it minutes and gigabytes. The child reads
the module from its standard input and leaves machine code at the path that it is given (`drivers.compiled_wasm`).
"""

import math
import os
import resource
import subprocess
import sys
from contextlib import nullcontext, suppress
from pathlib import Path

import wasmtime

from drivers import compiled_wasm
from drivers.cache_folder import private_folder
from drivers.contract import MIB, Abort
from drivers.modules import ModuleFault
from drivers.shown_text import one_line
from drivers.wasm_check import problems_of
from drivers.wasm_engine import SETTINGS, new_engine

SECONDS = 180.0
MEMORY_BYTES = 2048 * MIB
CACHE_BYTES = 1024 * MIB
"""Machine code of steps' modules on this machine; what was used least recently goes."""
# The limit counts what is reserved, too; with a thread, and a heap for it, per processor, that would be the most of it.
_FEW_THREADS = {"RAYON_NUM_THREADS": str(min(4, os.cpu_count() or 1)), "MALLOC_ARENA_MAX": "2"}
_FAILED, _NOT_KEPT = 3, 4
"""How the child ends when it did not leave machine code at the path: what it says is a reason, or the code."""


class Stopped(Exception):
    """The call was aborted meanwhile."""


def machine_code(engine: wasmtime.Engine, name: str, wasm: bytes, abort: Abort) -> wasmtime.Module:
    """The module, ready to be linked. Raises Stopped, and ModuleFault for what another attempt will not change."""
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
    words = [str(path or ""), str(math.ceil(SECONDS)), str(MEMORY_BYTES)]
    command = [sys.executable, "-P", "-m", "drivers.wasm_compiling", *words]
    places = os.pathsep.join(place or str(Path.cwd()) for place in sys.path)
    environment = os.environ | _FEW_THREADS | {"PYTHONPATH": places}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment
    ) as child:
        forget = abort.on_set(child.kill)
        try:
            told, _ = child.communicate(wasm, timeout=SECONDS)
        except subprocess.TimeoutExpired:
            raise _CannotCompile(f"that takes more than {SECONDS:g} s") from None
        finally:
            forget()
            child.kill()
    if abort.is_set():
        raise Stopped
    if child.returncode == _NOT_KEPT:
        return told
    if child.returncode == _FAILED:
        raise _CannotCompile(told.decode(errors="replace"))
    if child.returncode != 0:
        raise _CannotCompile(f"that takes more than {MEMORY_BYTES:,} bytes of memory, or breaks the compiler")
    return b""


def main(path: Path | None, seconds: int, memory_bytes: int) -> int:
    """In the child. It outlives a parent that is killed, but not its limits."""
    for what, most in ((resource.RLIMIT_CPU, seconds), (resource.RLIMIT_AS, memory_bytes)):
        with suppress(OSError, ValueError):  # where a system has no such limit, that of time holds
            resource.setrlimit(what, (most, most))
    os.nice(5)  # steps that run meanwhile come first
    with suppress(OSError):  # and if this machine has less memory than that, it is not the worker that is to die
        Path("/proc/self/oom_score_adj").write_text("1000", "ascii")
    wasm, engine = sys.stdin.buffer.read(), new_engine()
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
        compiled_wasm.sweep(path.parent, CACHE_BYTES)
        return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]) if sys.argv[1] else None, int(sys.argv[2]), int(sys.argv[3])))
