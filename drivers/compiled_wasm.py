"""Compiled WebAssembly, kept on disk: a machine pays the seconds of compiling a guest once, not every process.

What lies there is machine code that we run, so it is trusted only in a folder that no one else can write to,
and only whole: a checksum stands before it.
"""

import fcntl
import hashlib
import logging
import os
import platform
import stat
import tempfile
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path

import wasmtime

_log = logging.getLogger(__name__)
_DIGEST = 32


def load(engine: wasmtime.Engine, name: str, wasm: bytes, settings: str) -> wasmtime.Module:
    """The module of ``wasm``, from the cache if it is there. ``settings`` names what the engine was configured with."""
    key = hashlib.sha256(wasm + settings.encode()).hexdigest()[:24]
    file = f"{name}-{key}-{version('wasmtime')}-{platform.system()}-{platform.machine()}.cwasm"
    folder = _private_folder()
    if folder is None:
        return wasmtime.Module(engine, wasm)
    with (folder / f"{file}.lock").open("a") as lock:
        # Processes that start together wait for the one that compiles, rather than all compiling.
        fcntl.flock(lock, fcntl.LOCK_EX)
        module = _read(engine, folder / file)
        if module is None:
            module = wasmtime.Module(engine, wasm)
            _write(folder / file, bytes(module.serialize()))
        return module


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
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent)
        with os.fdopen(handle, "wb") as file:
            file.write(hashlib.sha256(code).digest() + code)
        Path(temporary).replace(path)
    except OSError as fault:  # a full disk costs time at the next start, and nothing else
        _log.warning("could not keep compiled code at %s: %s", path, fault)


@lru_cache(maxsize=1)
def _private_folder() -> Path | None:
    """Our folder, owned by us and closed to others; None if there can be none."""
    home = os.environ.get("XDG_CACHE_HOME", "~/.cache")
    try:
        folder = Path(os.environ.get("INNGEST_CACHE_DIR") or f"{home}/inngest-server").expanduser() / "wasm"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = folder.lstat()
        if stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid():
            folder.chmod(0o700)
            return folder
        fault = f"{folder} belongs to someone else"
    except (OSError, RuntimeError) as error:  # RuntimeError: there is no home folder
        fault = str(error)
    _log.warning("compiled code is not kept, so each process compiles it: %s", fault)
    return None
