"""Modules that want more than they may have. They are written by hand, as no compiler makes them."""

import threading
import time
from collections.abc import Iterator

import psutil
import pytest
import wasmtime

from drivers.contract import MIB, Call, Limits
from drivers.wasm import WasmDriver
from tests.drivers.calls import error_of, run
from tests.drivers.subjects.wasm import module_call, ordered

IMPORTS = """
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_open"
    (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_prestat_get" (func $prestat (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "sock_accept" (func $accept (param i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "sock_send" (func $send (param i32 i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 2)
  (data (i32.const 64) "/etc/passwd")
"""

SLEEP = """
  (i64.store (i32.const 24) (i64.const -1))
  (drop (call $poll (i32.const 0) (i32.const 256) (i32.const 1) (i32.const 512)))
"""


@pytest.fixture(scope="module")
def wasm() -> Iterator[WasmDriver]:
    driver = WasmDriver()
    yield driver
    driver.close()


def wat_call(start: str, more: str = "", *, imports: str = IMPORTS, **options: object) -> Call:
    text = f'(module {imports} {more} (func (export "_start") (local $i i32) {start}))'
    return module_call(bytes(wasmtime.wat2wasm(text)), **options)  # type: ignore[arg-type]


def exiting_with(code: str) -> Call:
    """Its exit code is what a function of WASI gave back."""
    return wat_call(f"(call $exit {code})")


@pytest.mark.parametrize(
    ("start", "more", "name"),
    [
        ("unreachable", "", "Unreachable"),
        ("(drop (i32.load (i32.const -8)))", "", "MemoryOutOfBounds"),
        ("(drop (i32.div_s (i32.const 1) (local.get $i)))", "", "DivisionByZero"),
        ("(drop (i32.div_s (i32.const -2147483648) (i32.sub (local.get $i) (i32.const 1))))", "", "IntegerOverflow"),
        ("(drop (i32.trunc_f32_s (f32.const nan)))", "", "BadConversion"),
        ("(call_indirect (i32.const 0))", "(table 1 funcref)", "IndirectCallToNull"),
        ("(call_indirect (i32.const 9))", "(table 1 funcref)", "TableOutOfBounds"),
        (
            "(call_indirect (param i32) (i32.const 1) (i32.const 0))",
            "(table funcref (elem $f)) (func $f)",
            "BadSignature",
        ),
        ("(call $f)", "(func $f (call $f) (call $f))", "StackOverflow"),
    ],
)
def test_each_trap_has_a_name(wasm: WasmDriver, start: str, more: str, name: str) -> None:
    outcome = run(wasm, wat_call(start, more))
    assert error_of(outcome)[0] == name
    assert outcome.retryable
    assert "    at " in (outcome.error.stack if outcome.error else "")


def test_recursion_without_end_fails_by_name_on_any_thread(wasm: WasmDriver) -> None:
    outcomes = [run(wasm, ordered("recurse"))]
    threads = [threading.Thread(target=lambda: outcomes.append(run(wasm, ordered("recurse")))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [error_of(outcome)[0] for outcome in outcomes] == ["StackOverflow"] * 4
    assert "deeper" in (outcomes[0].error.stack if outcomes[0].error else "")


@pytest.mark.parametrize(
    "start",
    [
        "(loop (br 0))",
        "(loop (drop (call $write (i32.const 2) (i32.const 0) (i32.const 1) (i32.const 8))) (br 0))",
        "(loop (memory.fill (i32.const 0) (i32.const 1) (i32.const 131072)) (br 0))",
        "(loop (drop (memory.grow (i32.const 1000000))) (br 0))",
        f"{SLEEP} (loop (br 0))",
        SLEEP,
        f"{SLEEP} (call $exit (i32.const 0))",
    ],
    ids=["loop", "writes nothing", "fills", "grows", "sleeps", "sleeps and returns", "sleeps and exits"],
)
def test_the_timeout_holds_whatever_it_does(wasm: WasmDriver, start: str) -> None:
    started = time.monotonic()
    assert error_of(run(wasm, wat_call(start, timeout=0.3)))[0] == "StepTimeout"
    assert time.monotonic() - started < 5.0


def test_the_timeout_holds_while_a_module_begins(wasm: WasmDriver) -> None:
    call = wat_call("", "(func $first (loop (br 0))) (start $first)", timeout=0.3)
    assert error_of(run(wasm, call))[0] == "StepTimeout"


def test_output_without_end_is_stopped_at_once(wasm: WasmDriver) -> None:
    started, before = time.monotonic(), psutil.Process().memory_info().rss
    outcome = run(wasm, ordered("flood", timeout=60.0))
    assert error_of(outcome)[0] == "OutputTooLarge"
    assert not outcome.retryable
    assert time.monotonic() - started < 5.0
    assert psutil.Process().memory_info().rss - before < 64 * MIB


@pytest.mark.parametrize("end", ["", "(call $exit (i32.const 0))", "unreachable"])
def test_output_that_was_stopped_is_no_success_however_the_module_ends(wasm: WasmDriver, end: str) -> None:
    more = r'(data (i32.const 0) "\80\00\00\00\0b\00\00\00") (data (i32.const 128) "x\0a{\"ok\":1}\0a")'
    write = "(drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 64)))"
    outcome = run(wasm, wat_call(write * 3 + end, more, limits=Limits(output_bytes=15, log_bytes=10)))
    assert (error_of(outcome)[0], outcome.retryable) == ("OutputTooLarge", False)


def test_standard_error_without_end_is_kept_up_to_its_limit(wasm: WasmDriver) -> None:
    outcome = run(wasm, ordered("chatter", timeout=0.3, limits=Limits(log_bytes=1000)))
    assert error_of(outcome)[0] == "StepTimeout"
    assert outcome.log.endswith("[the log ends here: it is longer than 1,000 bytes]")
    assert len(outcome.log) < 1100


@pytest.mark.parametrize("order", [("hoard",), ("demand", str(10**9)), ("demand", str(2**32 - 9))])
def test_memory_is_limited(wasm: WasmDriver, order: tuple[str, ...]) -> None:
    before = psutil.Process().memory_info().rss
    name, message = error_of(run(wasm, ordered(*order)))
    assert (name, message) == ("MemoryLimit", f"the step needs more than its {128 * MIB:,} bytes of memory")
    assert psutil.Process().memory_info().rss - before < 16 * MIB


def test_a_module_that_takes_memory_and_then_traps_is_told_of_its_limit(wasm: WasmDriver) -> None:
    start = "(loop (br_if 0 (i32.ge_s (memory.grow (i32.const 16)) (i32.const 0)))) unreachable"
    assert error_of(run(wasm, wat_call(start)))[0] == "MemoryLimit"


def test_memory_may_be_used_up_to_the_limit(wasm: WasmDriver) -> None:
    assert run(wasm, ordered("demand", str(30 * MIB), limits=Limits(memory_bytes=52 * MIB))).ok


def test_a_module_that_begins_with_too_much_memory_fails_for_good(wasm: WasmDriver) -> None:
    outcome = run(wasm, module_call(bytes(wasmtime.wat2wasm('(module (memory 4000) (func (export "_start")))'))))
    assert error_of(outcome) == (
        "MemoryLimit",
        "the module begins with 262,144,000 bytes of memory; the limit is 134,217,728 bytes",
    )
    assert not outcome.retryable


def test_tables_do_not_grow_without_end(wasm: WasmDriver) -> None:
    start = (
        "(loop (local.set $i (table.size $t)) "
        "(br_if 0 (i32.ge_s (table.grow $t (ref.null func) (i32.const 10000)) (i32.const 0)))) (call $exit "
        "(i32.div_u (local.get $i) (i32.const 10000)))"
    )
    assert error_of(run(wasm, wat_call(start, "(table $t 0 funcref)")))[1] == "the module exited with code 50"


BAD_FD = "the module exited with code 8"


@pytest.mark.parametrize(
    "code",
    [
        "(call $prestat (i32.const 3) (i32.const 0))",
        "(call $open (i32.const 3) (i32.const 0) (i32.const 64) (i32.const 11) (i32.const 0) (i64.const 0) "
        "(i64.const 0) (i32.const 0) (i32.const 0))",
        "(call $accept (i32.const 3) (i32.const 0) (i32.const 0))",
        "(call $send (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0))",
        "(call $write (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 0))",
        "(call $write (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0))",
        "(call $read (i32.const 1) (i32.const 0) (i32.const 0) (i32.const 0))",
        "(call $read (i32.const -1) (i32.const 0) (i32.const 0) (i32.const 0))",
    ],
)
def test_there_are_no_files_and_no_sockets(wasm: WasmDriver, code: str) -> None:
    assert error_of(run(wasm, exiting_with(code)))[1] == BAD_FD


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("(call $write (i32.const 1) (i32.const -8) (i32.const 1) (i32.const 0))", 21),
        ("(call $write (i32.const 1) (i32.const 131071) (i32.const -1) (i32.const 0))", 21),
        ("(call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const -1))", 21),
        ("(call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 131070))", 21),
        ("(call $poll (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0))", 28),
        ("(call $poll (i32.const 0) (i32.const 0) (i32.const -1) (i32.const 0))", 28),
        ("(call $poll (i32.const 131000) (i32.const 0) (i32.const 100) (i32.const 0))", 21),
        ("(call $poll (i32.const 0) (i32.const -40) (i32.const 1) (i32.const 0))", 21),
    ],
)
def test_addresses_outside_its_memory_are_refused(wasm: WasmDriver, code: str, expected: int) -> None:
    assert error_of(run(wasm, exiting_with(code)))[1] == f"the module exited with code {expected}"


@pytest.mark.parametrize("clock", [0, 1])
def test_a_sleep_may_end_at_a_time_instead_of_after_one(wasm: WasmDriver, clock: int) -> None:
    now = f"(drop (call $time (i32.const {clock}) (i64.const 0) (i32.const 512)))"
    start = f"""
      (i32.store (i32.const 16) (i32.const {clock})) (i32.store (i32.const 40) (i32.const 1))
      {now} (i64.store (i32.const 24) (i64.add (i64.load (i32.const 512)) (i64.const 150000000)))
      (drop (call $poll (i32.const 0) (i32.const 256) (i32.const 1) (i32.const 300)))
      {now} (call $exit (i32.wrap_i64 (i64.div_s
        (i64.sub (i64.load (i32.const 512)) (i64.load (i32.const 24))) (i64.const 1000000))))
    """
    time = '(import "wasi_snapshot_preview1" "clock_time_get" (func $time (param i32 i64 i32) (result i32)))'
    outcome = run(wasm, wat_call(start, imports=time + IMPORTS))
    late = 0 if outcome.ok else int(error_of(outcome)[1].rpartition(" ")[2])
    assert 0 <= late < 2_000


def test_a_memory_without_a_byte_does_no_harm(wasm: WasmDriver) -> None:
    imports = IMPORTS.replace('"memory") 2', '"memory") 0').replace('(data (i32.const 64) "/etc/passwd")', "")
    zeros = "(i32.const 0) (i32.const 0) (i32.const 0)"
    for code, expected in ((f"(call $write (i32.const 1) {zeros})", 21), (f"(call $read (i32.const 0) {zeros})", 21)):
        outcome = run(wasm, wat_call(f"(call $exit {code})", imports=imports))
        assert error_of(outcome)[1] == f"the module exited with code {expected}"


def test_nothing_is_written_after_the_exit(wasm: WasmDriver) -> None:
    write = "(call $write (i32.const 1) (i32.const 32) (i32.const 1) (i32.const 0))"
    one_byte = "(i32.store (i32.const 32) (i32.const 64)) (i32.store (i32.const 36) (i32.const 1))"
    outcome = run(wasm, wat_call(f"{one_byte} (call $exit (i32.const 7)) (drop {write})"))
    assert (error_of(outcome)[1], outcome.output) == ("the module exited with code 7", None)


def test_the_driver_works_on_after_every_kind_of_failure(wasm: WasmDriver) -> None:
    limits = Limits(memory_bytes=32 * MIB, output_bytes=1000)
    for verb in ("hang", "recurse", "hoard", "flood", "panic"):
        assert not run(wasm, ordered(verb, timeout=0.3, limits=limits)).ok
        assert run(wasm, ordered("write", "1")).output == "1"
