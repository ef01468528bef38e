"""Compiled WebAssembly, kept on disk: a machine pays the seconds of compiling a guest once, not every process.

What lies there is machine code that we run, so it is trusted only in a folder that no one else can write to,
and only whole: a checksum stands before it.
"""

import fcntl
import hashlib
import logging
import os
import platform
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.metadata import version
from pathlib import Path

import wasmtime

from drivers.cache_folder import private_folder

_log = logging.getLogger(__name__)
_DIGEST = 32


def load(engine: wasmtime.Engine, name: str, wasm: bytes, settings: str) -> wasmtime.Module:
    """The module of ``wasm``, from the cache if it is there. ``settings`` names what the engine was configured with."""
    key = hashlib.sha256(wasm + settings.encode()).hexdigest()[:24]
    file = f"{name}-{key}-{version('wasmtime')}-{platform.system()}-{platform.machine()}.cwasm"
    folder = private_folder("wasm")
    if folder is None:
        return wasmtime.Module(engine, wasm)
    with _locked(folder / f"{file}.lock"):
        module = _read(engine, folder / file)
        if module is None:
            module = wasmtime.Module(engine, wasm)
            _write(folder / file, bytes(module.serialize()))
        return module


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Processes that start together wait for the one that compiles, rather than all compiling."""
    try:
        lock = path.open("a")
    except OSError:  # a full or read-only disk: what is compiled cannot be kept, so nobody needs to wait
        yield
        return
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _read(engine: wasmtime.Engine, path: Path) -> wasmtime.Module | None:
    try:
        data = path.read_bytes()
    except OSError:
        return None
    code = data[_DIGEST:]
    if hashlib.sha256(code).digest() != data[:_DIGEST]:
        return None
    try:
        return wasmtime.Module.deserialize(engine, code)
    except wasmtime.WasmtimeError:  # made for another processor, in a home folder that machines share
        return None


def _write(path: Path, code: bytes) -> None:
    temporary = None
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent)
        with os.fdopen(handle, "wb") as file:
            file.write(hashlib.sha256(code).digest() + code)
        Path(temporary).replace(path)
    except OSError as fault:  # a full disk costs time at the next start, and nothing else
        _log.warning("could not keep compiled code at %s: %s", path, fault)
        if temporary is not None:
            with suppress(OSError):
                Path(temporary).unlink()
