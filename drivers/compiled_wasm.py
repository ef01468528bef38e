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
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.metadata import version
from pathlib import Path

import wasmtime

from drivers.cache_folder import private_folder

_log = logging.getLogger(__name__)
_DIGEST = 32
_SUFFIX, _LOCK, _UNFINISHED = ".cwasm", ".lock", ".new-"
_ABANDONED_SECONDS = 3600.0


def load(engine: wasmtime.Engine, name: str, wasm: bytes, settings: str) -> wasmtime.Module:
    """The module of ``wasm``, from the cache if it is there. ``settings`` names what the engine was configured with."""
    folder = private_folder("wasm")
    if folder is None:
        return wasmtime.Module(engine, wasm)
    path = folder / file_name(name, wasm, settings)
    with locked(path):
        module = read(engine, path)
        if module is None:
            module = wasmtime.Module(engine, wasm)
            keep(path, bytes(module.serialize()))
        return module


def file_name(name: str, wasm: bytes, settings: str) -> str:
    """Where machine code of this module lies: another engine, or another configuration, has another place."""
    key = hashlib.sha256(wasm + settings.encode()).hexdigest()[:24]
    return f"{name}-{key}-{version('wasmtime')}-{platform.system()}-{platform.machine()}{_SUFFIX}"


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Processes that start together wait for the one that compiles, rather than all compiling."""
    try:
        lock = path.with_name(path.name + _LOCK).open("a")
    except OSError:  # a full or read-only disk: what is compiled cannot be kept, so nobody needs to wait
        yield
        return
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def read(engine: wasmtime.Engine, path: Path) -> wasmtime.Module | None:
    """What is kept there, if it is whole and for this machine."""
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


def keep(path: Path, code: bytes) -> bool:
    """Put machine code there, whole or not at all; False if it cannot be."""
    temporary = None
    try:
        handle, temporary = tempfile.mkstemp(prefix=_UNFINISHED, dir=path.parent)
        with os.fdopen(handle, "wb") as file:
            file.write(hashlib.sha256(code).digest() + code)
        Path(temporary).replace(path)
        return True
    except OSError as fault:  # a full disk costs time at the next start, and nothing else
        _log.warning("could not keep compiled code at %s: %s", path, fault)
        if temporary is not None:
            with suppress(OSError):
                Path(temporary).unlink()
        return False


def sweep(folder: Path, most_bytes: int) -> None:
    """Remove what was used least recently until no more than so many bytes are left, and what killed processes left."""
    found = []
    for path in folder.iterdir():
        with suppress(OSError):  # another process was there first
            state = path.stat()
            if path.name.endswith(_SUFFIX):
                found.append((state.st_mtime, state.st_size, path))
            elif state.st_mtime < time.time() - _ABANDONED_SECONDS and _is_abandoned(path):
                path.unlink()
    left = sum(size for _, size, _ in found)
    for _, size, path in sorted(found):
        if left <= most_bytes:
            break
        with suppress(OSError):
            path.unlink()
            path.with_name(path.name + _LOCK).unlink()
        left -= size


def _is_abandoned(path: Path) -> bool:
    """Whether it is an unfinished file, or the lock of a module that was not compiled."""
    is_lock = path.name.endswith(_LOCK) and not path.with_name(path.name.removesuffix(_LOCK)).exists()
    return is_lock or path.name.startswith(_UNFINISHED)
