import time

import pytest
import wasmtime

from drivers.wasm import WasmDriver
from drivers.wasm_check import MAX_PROBLEMS, problems_of
from tests.drivers.calls import error_of, run
from tests.drivers.subjects.wasm import module_call
from tests.wasm_modules.building import built

START = '(func (export "_start"))'


def module(wat: str) -> bytes:
    return bytes(wasmtime.wat2wasm(f"(module {wat})"))


NO_MODULES = {
    "empty": (b"", "cannot run: it is no WebAssembly module"),
    "a page": (b"<!doctype html>", "cannot run: it is no WebAssembly module"),
    "a component": (
        b"\0asm\x0d\0\x01\0",
        "cannot run: it is a component, not a core module: build it for WASI preview",
    ),
    "of the future": (b"\0asm\x02\0\0\0", "cannot run: it is of a version of WebAssembly that is not known"),
    "cut": (module(START)[:-3], "is not valid WebAssembly as steps may use it: unexpected end"),
    "a library": (module('(func (export "_initialize"))'), "exports no function _start: it is a library"),
    "no start": (module('(global (export "_start") i32 (i32.const 1))'), "exports no function _start"),
    "a start with a value": (module('(func (export "_start") (param i32))'), "exports a function _start that takes or"),
    "a start that gives one": (
        module('(type (func)) (func) (func (export "_start") (result f64) (f64.const 1))'),
        "exports a function _start that takes or gives values",
    ),
    "another's start": (
        module(
            '(import "wasi_snapshot_preview1" "sched_yield" (func $f (result i32))) (memory (export "memory") 1)'
            '(export "_start" (func $f)) (func)'
        ),
        "exports a function _start that takes or gives values",
    ),
    "of another host": (module(f'(import "env" "foo" (func)) {START}'), 'imports "env.foo", which is not there; only'),
    "a memory": (module(f'(import "env" "m" (memory 1)) {START}'), 'imports a memory, "env.m", which is not there'),
    "old": (module(f'(import "wasi_unstable" "fd_write" (func)) {START}'), 'imports "wasi_unstable.fd_write", which'),
    "unknown": (
        module(f'(import "wasi_snapshot_preview1" "sock_open" (func)) {START}'),
        'imports "wasi_snapshot_previe',
    ),
    "no memory": (module(f'(import "wasi_snapshot_preview1" "fd_write" (func)) {START}'), "exports no memory"),
    "two memories": (module(f"(memory 1) (memory 1) {START}"), "is not valid WebAssembly as steps may use it: multip"),
    "64 bits": (module(f"(memory i64 1) {START}"), "is not valid WebAssembly as steps may use it: memory64"),
    "threads": (module(f"(memory 1 2 shared) {START}"), "is not valid WebAssembly as steps may use it: threads"),
    "a crowd": (
        module("".join(f'(export "{number}" (func 0))' for number in range(10_000)) + START),
        "imports and exports 10,001 things; 10,000 are allowed",
    ),
    "a huge table": (module(f"(table 9000000 funcref) {START}"), "begins with a table of 9,000,000 elements; 500,000"),
}


@pytest.mark.parametrize(("data", "words"), NO_MODULES.values(), ids=list(NO_MODULES))
def test_what_cannot_run_is_told_in_words_at_deploy_and_fails_for_good_at_the_run(data: bytes, words: str) -> None:
    told = problems_of(data)
    assert any(line.startswith(words) for line in told), told
    outcome = run(WasmDriver(), module_call(data))
    name, message = error_of(outcome)
    assert (name, outcome.retryable) == ("InvalidModule", False)
    assert words in message


def test_what_no_check_sees_fails_for_good_at_the_run() -> None:
    wrong_type = module(f'(import "wasi_snapshot_preview1" "fd_write" (func)) (memory (export "memory") 1) {START}')
    many_tables = module("(table 1 funcref)" * 9 + START)
    for data, words in ((wrong_type, "incompatible import type"), (many_tables, "table count too high")):
        outcome = run(WasmDriver(), module_call(data))
        name, message = error_of(outcome)
        assert (name, outcome.retryable) == ("InvalidModule", False)
        assert words in message


@pytest.mark.parametrize("source", ["orders.zig", "thanks.go"])
def test_modules_of_real_compilers_are_fine_and_checked_quickly(source: str) -> None:
    data = built(source)
    started = time.monotonic()
    assert problems_of(data) == []
    assert time.monotonic() - started < 2.0


def test_what_programs_use_of_webassembly_is_there() -> None:
    simd = "(func (drop (i8x16.splat (i32.const 1))))"
    tail = "(func $f (return_call $f))"
    more = (
        "(memory 1) (func (memory.fill (i32.const 0) (i32.const 0) (i32.const 9)) (drop (i32.extend8_s (i32.const 1))))"
    )
    references = "(table 1 externref) (func (result i32 i32) (i32.const 1) (i32.const 2))"
    assert problems_of(module(simd + tail + more + references + START)) == []


def test_a_module_with_many_problems_names_some() -> None:
    imports = "".join(f'(import "env" "f{number}" (func))' for number in range(100))
    told = problems_of(module(imports + START))
    assert len(told) == MAX_PROBLEMS + 1
    assert told[-1] == "has more problems"


def test_names_in_a_module_are_shown_on_one_line() -> None:
    (told,) = problems_of(module(rf'(import "env" "\1b[2J\0a{"x" * 500}" (func)) {START}'))
    assert told.isprintable()
    assert len(told) < 400


def test_every_beginning_of_a_module_is_no_module_or_none_that_can_run() -> None:
    data = module(
        '(import "wasi_snapshot_preview1" "proc_exit" (func (param i32))) (memory (export "memory") 1)' + START
    )
    assert problems_of(data) == []
    for length in range(len(data) - 1):
        assert problems_of(data[:length])
