"""One driver by itself, in a process of its own: `python -m bench.driver_calls RUNTIME CALLS PORT` prints JSON.

    first   ms of the first call, with what the driver loads and compiles for it (Python's imports not counted)
    calls   ms of each call after it
    bare    ms of the same work without the driver: by the library that it is built on

The step is the same everywhere: it takes the input and gives back `{"ok":true}`.
"""

import hashlib
import http.client
import json
import os
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from drivers.contract import Abort, Bundle, Call
from drivers.registry import close_drivers, driver_for

BUSYBOX = Path("/bin/busybox")
_PAYLOAD = b'{"event":{"name":"bench/one","data":{"n":1}},"events":[],"steps":{},"ctx":{"attempt":0}}'
_SCRIPT = b"export const run = () => ({ ok: true });"
_DOCKERFILE = """\
FROM scratch
LABEL inngest.bench="{machine}"
COPY busybox /bin/busybox
ENTRYPOINT ["/bin/busybox", "echo", "{{\\"ok\\":true}}"]
"""
"""`machine` stands for one that has run no such step: its cache folder."""
_WAT = r"""
(module
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 16) "{\"ok\":true}")
  (func (export "_start")
    (i32.store (i32.const 0) (i32.const 16))
    (i32.store (i32.const 4) (i32.const 11))
    (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))))
"""


class Subject(NamedTuple):
    """A step of one runtime, and the same without the driver, where there is such a thing."""

    runtime: Mapping[str, Any]
    files: Mapping[str, bytes] = {}
    bare: Callable[[], object] | None = None


def main() -> None:
    runtime, calls, port = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    subject = _SUBJECTS[runtime](port)
    key = hashlib.sha256(repr(sorted(subject.files.items())).encode()).hexdigest()
    bundle = Bundle(key, subject.files) if subject.files else None
    began = time.perf_counter()
    driver = driver_for(runtime)
    took = []
    for number in range(calls + 1):
        call = Call({"type": runtime, **subject.runtime}, _PAYLOAD, f"bench-{began}", f"step-{number}", bundle=bundle)
        outcome = driver.run(call, Abort())
        took.append(1_000 * (time.perf_counter() - began))
        if not outcome.ok:
            sys.exit(f"{runtime}: {outcome.error}")
        if outcome.kept is not None:
            outcome.kept()
        began = time.perf_counter()
    close_drivers()
    bare = [_timed(subject.bare) for _ in range(calls)] if subject.bare else []
    print(json.dumps({"first": took[0], "calls": took[1:], "bare": bare}))


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return 1_000 * (time.perf_counter() - began)


def _http(port: int) -> Subject:
    connection = http.client.HTTPConnection("127.0.0.1", port)

    def ask() -> object:
        connection.request("POST", "/step", _PAYLOAD, {"content-type": "application/json"})
        return connection.getresponse().read()

    return Subject({"url": f"http://127.0.0.1:{port}/step"}, bare=ask)


def _typescript(port: int) -> Subject:
    return Subject({"entrypoint": "index.js"}, {"index.js": _SCRIPT})


def _wasm(port: int) -> Subject:
    import wasmtime

    engine = wasmtime.Engine()
    module = wasmtime.Module(engine, _WAT)
    linker = wasmtime.Linker(engine)
    linker.define_wasi()
    ready = linker.instantiate_pre(module)

    def start() -> object:
        store = wasmtime.Store(engine)
        store.set_wasi(wasmtime.WasiConfig())
        function = ready.instantiate(store).exports(store)["_start"]
        assert isinstance(function, wasmtime.Func)
        return function(store)

    return Subject({"module": "main.wasm"}, {"main.wasm": bytes(wasmtime.wat2wasm(_WAT))}, start)


def _docker(port: int) -> Subject:
    import docker

    client = docker.APIClient()
    dockerfile = _DOCKERFILE.format(machine=os.environ.get("INNGEST_CACHE_DIR", ""))
    files = {"Dockerfile": dockerfile.encode(), "busybox": BUSYBOX.read_bytes()}

    def one() -> object:
        from drivers.docker_images import image_name

        name = image_name(Bundle("", files), "Dockerfile", "")
        container = client.create_container(name, [_PAYLOAD.decode()], host_config=client.create_host_config())["Id"]
        client.start(container)
        client.wait(container)
        said = client.logs(container)
        client.remove_container(container)
        return said

    return Subject({"dockerfile": "Dockerfile"}, files, one)


_SUBJECTS = {"http": _http, "typescript": _typescript, "wasm": _wasm, "docker": _docker}

if __name__ == "__main__":
    main()
