"""Where compiled modules come from: made once a machine, in a process that can be ended."""

import hashlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
import wasmtime

from drivers import compiled_wasm, settings, wasm_compiling
from drivers.cache_folder import private_folder
from drivers.contract import MIB, Abort, Outcome
from drivers.wasm import WasmDriver
from drivers.wasm_engine import SETTINGS, new_engine
from tests.drivers.calls import error_of, run
from tests.drivers.subjects.wasm import module_call
from tests.ordinary_user import full_disk
from tests.waiting import wait_for

WASM = bytes(wasmtime.wat2wasm('(module (func (export "_start")))'))
CALL = module_call(WASM, timeout=1.0)
ENDED = '{"body":""}'


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("INNGEST_CACHE_DIR", str(tmp_path / "cache"))
    private_folder.cache_clear()
    yield tmp_path / "cache" / "wasm-steps"
    private_folder.cache_clear()


def place(cache: Path) -> Path:
    return cache / compiled_wasm.file_name("step", WASM, SETTINGS)


def compilers() -> list[psutil.Process]:
    return [child for child in psutil.Process().children() if _is_compiler(child)]


def _is_compiler(child: psutil.Process) -> bool:
    try:
        return "drivers.wasm_compiling" in child.cmdline()
    except psutil.Error:
        return False


def in_threads(number: int, do: Callable[[], Outcome]) -> "list[Outcome]":
    with ThreadPoolExecutor(number) as threads:
        return [future.result() for future in [threads.submit(do) for _ in range(number)]]


def test_a_module_is_compiled_once_and_found_by_every_process(cache: Path) -> None:
    assert run(WasmDriver(), CALL).output == ENDED
    before = place(cache).stat()
    assert before.st_mode & 0o077 == 0
    os.utime(place(cache), (1, 1))
    assert run(WasmDriver(), CALL).output == ENDED
    after = place(cache).stat()
    assert after.st_ino == before.st_ino
    assert after.st_mtime > 1  # by which the least recently used is known


def test_those_that_start_together_wait_for_the_one_that_compiles(cache: Path) -> None:
    driver = WasmDriver()
    cache.mkdir(parents=True, mode=0o700)
    outcomes: list[Outcome] = []
    with compiled_wasm.locked(place(cache)):
        waiting = threading.Thread(target=lambda: outcomes.extend(in_threads(3, lambda: run(driver, CALL))))
        waiting.start()
        wait_for(lambda: len(compilers()) == 3, "three processes that want to compile")
        # Longer than the step's own time, in which compiling is not counted.
        waiting.join(1.2)
        code = bytes(wasmtime.Module(new_engine(), WASM).serialize())
        assert compiled_wasm.keep(place(cache), code)
        ours = place(cache).stat().st_ino
    waiting.join(30.0)
    assert [outcome.output for outcome in outcomes] == [ENDED] * 3
    assert place(cache).stat().st_ino == ours
    assert compilers() == []


def test_an_abort_ends_the_compiling(cache: Path) -> None:
    cache.mkdir(parents=True, mode=0o700)
    abort, outcomes = Abort(), list[Outcome]()
    with compiled_wasm.locked(place(cache)):
        thread = threading.Thread(target=lambda: outcomes.append(WasmDriver().run(CALL, abort)))
        thread.start()
        wait_for(compilers, "a process that wants to compile")
        abort.set("cancel")
        thread.join(10.0)
        assert error_of(outcomes[0])[0] == "StepAborted"
    assert compilers() == []


def test_an_abort_set_before_compiles_nothing(cache: Path) -> None:
    abort = Abort()
    abort.set()
    assert error_of(WasmDriver().run(CALL, abort))[0] == "StepAborted"
    assert not place(cache).exists()


@contextmanager
def limits(**values: float) -> Iterator[None]:
    before = settings.current()
    settings.configure(replace(before, wasm=replace(before.wasm, **values)))  # type: ignore[arg-type]
    try:
        yield
    finally:
        settings.configure(before)


def costly(blocks: int) -> bytes:
    body = "(block (local.set 0 (i32.add (local.get 0) (local.get 1))) (br_if 0 (local.get 0)))" * blocks
    return bytes(wasmtime.wat2wasm(f'(module (func (export "_start") (local i32 i32) {body}))'))


@pytest.mark.parametrize(
    ("values", "blocks", "words"),
    [
        ({"compile_seconds": 1}, 200_000, "that takes more than 1 s of processor time"),
        ({"compile_memory_bytes": 250 * MIB}, 60_000, "that takes more than 262,144,000 bytes of memory"),
    ],
    ids=["time", "memory"],
)
def test_compiling_that_takes_too_much_fails_for_good_and_is_not_tried_again(
    cache: Path, values: dict[str, float], blocks: int, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wasm_compiling, "BY_THE_CLOCK", 60)  # however busy the machine is
    driver, call = WasmDriver(), module_call(costly(blocks))
    with limits(**values):
        outcome = run(driver, call)
        assert error_of(outcome) == ("CannotCompile", f"step.wasm cannot be compiled: {words}")
        assert not outcome.retryable
        started = time.monotonic()
        assert error_of(run(driver, call)) == error_of(outcome)
        assert time.monotonic() - started < 0.3


@pytest.mark.parametrize("ended_by", [signal.SIGTERM, signal.SIGKILL, signal.SIGABRT])
def test_a_compiler_that_is_ended_from_outside_is_tried_again(cache: Path, ended_by: signal.Signals) -> None:
    cache.mkdir(parents=True, mode=0o700)
    driver, outcomes = WasmDriver(), list[Outcome]()
    with compiled_wasm.locked(place(cache)):
        thread = threading.Thread(target=lambda: outcomes.append(run(driver, CALL)))
        thread.start()
        wait_for(compilers, "a process that wants to compile")
        compilers()[0].send_signal(ended_by)
        thread.join(10.0)
    name, message = error_of(outcomes[0])
    assert (name, outcomes[0].retryable) == ("CompilerStopped", True)
    assert message.startswith("step.wasm was not compiled: the process that does it was ended by ")
    assert message.endswith(f"(signal {ended_by})")
    assert run(driver, CALL).output == ENDED


def test_a_compiler_that_waits_for_too_long_is_ended_and_tried_again(cache: Path) -> None:
    cache.mkdir(parents=True, mode=0o700)
    driver = WasmDriver()
    with compiled_wasm.locked(place(cache)), limits(compile_seconds=1):
        outcome = run(driver, CALL)
        message = "step.wasm was not compiled: that did not end within 3 s"
        assert (*error_of(outcome), outcome.retryable) == ("CompilerStopped", message, True)
    assert compilers() == []
    assert run(driver, CALL).output == ENDED


def test_a_compiler_ends_with_a_worker_that_is_killed(cache: Path, tmp_path: Path) -> None:
    cache.mkdir(parents=True, mode=0o700)
    (tmp_path / "step.wasm").write_bytes(WASM)
    worker = (
        "import sys; from pathlib import Path; from drivers.wasm_compiling import _compile;"
        "from drivers.contract import Abort;"
        "_compile(Path(sys.argv[1]), Path(sys.argv[2]).read_bytes(), Abort())"
    )
    with compiled_wasm.locked(place(cache)):
        process = psutil.Popen([sys.executable, "-c", worker, str(place(cache)), str(tmp_path / "step.wasm")])
        wait_for(lambda: [child for child in process.children() if _is_compiler(child)], "a process that compiles")
        (compiler,) = process.children()
        # Not before it has read the module and waits for the lock: from then on nothing but its parent's end ends it.
        wait_for(lambda: any(str(place(cache)) in file.path for file in compiler.open_files()), "it waits")
        assert os.getsid(compiler.pid) == compiler.pid
        process.kill()
        process.wait(10.0)
        wait_for(lambda: not compiler.is_running() or compiler.status() == "zombie", "the compiler has ended")


def test_the_beginning_of_a_module_is_not_kept_as_the_whole(cache: Path) -> None:
    cache.mkdir(parents=True, mode=0o700)
    whole = wasmtime.wat2wasm('(module (memory 1) (func (export "_start")) (data (i32.const 0) "x"))')
    cut = whole[: whole.rindex(b"\x0b\x07")]
    wasmtime.Module.validate(wasmtime.Engine(), cut)
    digest, numbers = hashlib.sha256(whole).hexdigest(), [2**30, os.getpid(), 60, 2**31]
    command = [sys.executable, "-m", "drivers.wasm_compiling", str(place(cache)), digest, *map(str, numbers)]
    assert subprocess.run(command, input=cut, timeout=60, check=False).returncode == 5
    assert not place(cache).exists()


def test_without_a_folder_it_compiles_and_works(cache: Path) -> None:
    cache.parent.write_text("a file in the way")
    assert run(WasmDriver(), CALL).output == ENDED


def test_a_full_disk_costs_the_compiling(cache: Path) -> None:
    with full_disk():
        assert run(WasmDriver(), CALL).output == ENDED
    assert not place(cache).exists()


def test_damaged_machine_code_is_made_again(cache: Path) -> None:
    run(WasmDriver(), CALL)
    whole = place(cache).stat().st_size
    place(cache).write_bytes(b"x" * 5000)
    assert run(WasmDriver(), CALL).output == ENDED
    assert place(cache).stat().st_size == whole


def test_what_was_used_least_recently_goes_when_there_is_too_much(tmp_path: Path) -> None:
    for number in range(5):
        path = tmp_path / f"step-{number}.cwasm"
        with compiled_wasm.locked(path):
            assert compiled_wasm.keep(path, b"x" * 968)  # and 32 of a checksum
        os.utime(path, (0, number % 3))
    old = (".new-old", "step-failed.cwasm.lock")
    for name, age in [*((name, 10_000.0) for name in old), (".new-young", 0.0), ("step-new.cwasm.lock", 0.0)]:
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (time.time() - age, time.time() - age))
    compiled_wasm.sweep(tmp_path, 2_000)
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {
        *(".new-young", "step-new.cwasm.lock"),
        *("step-2.cwasm", "step-2.cwasm.lock"),
        *("step-4.cwasm", "step-4.cwasm.lock"),
    }
