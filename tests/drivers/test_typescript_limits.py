import threading
import time

import psutil
import pytest

from drivers.contract import MIB, Abort, Limits, Outcome
from drivers.typescript import TypeScriptDriver
from tests.drivers.calls import error_of, run, script_call


@pytest.mark.parametrize(
    "code",
    [
        "for (;;);",
        "/(x+x+)+y/.test('x'.repeat(60))",
        "const a = Array.from({ length: 1e6 }, Math.random); for (;;) a.sort((x, y) => x - y)",
        "for (;;) JSON.parse('[' + '1,'.repeat(2e6) + '1]')",
        "for (;;) 'a'.repeat(5e6).split('')",
        "for (;;) try { (() => { throw 1 })() } catch {}",
        "for (;;) await null",
        "for (;;) console.log('x')",
        "const again = () => Promise.resolve().then(again); again(); await new Promise(() => 0)",
        "setInterval(() => 0, 1); await new Promise(() => 0)",
    ],
)
def test_the_timeout_holds_in_any_loop(typescript: TypeScriptDriver, code: str) -> None:
    started = time.monotonic()
    outcome = run(typescript, script_call(f"export async function run() {{ {code} }}", timeout=0.4))
    assert error_of(outcome)[0] == "StepTimeout"
    assert time.monotonic() - started < 5.0


def test_the_timeout_holds_while_a_module_loads(typescript: TypeScriptDriver) -> None:
    outcome = run(typescript, script_call("for (;;); export const run = () => 1", timeout=0.3))
    assert error_of(outcome)[0] == "StepTimeout"


def test_an_abort_ends_a_step_that_sleeps(typescript: TypeScriptDriver) -> None:
    abort, outcomes = Abort(), list[Outcome]()
    call = script_call("export const run = () => new Promise((done) => setTimeout(done, 60_000))", timeout=60)
    thread = threading.Thread(target=lambda: outcomes.append(typescript.run(call, abort)))
    thread.start()
    thread.join(0.2)
    abort.set()
    thread.join(5.0)
    assert error_of(outcomes[0])[0] == "StepAborted"


@pytest.mark.parametrize(
    "code",
    [
        "const a = []; for (;;) a.push(new Uint8Array(1e6))",
        "const a = []; for (;;) a.push({ x: 1 })",
        "const a = []; for (;;) a.push('x'.repeat(1e6) + a.length)",
        "const a = []; for (let i = 0; ; i++) a.push(() => i)",
        "return 'x'.repeat(5e8)",
        "const m = new Map(); for (let i = 0; ; i++) m.set(i, i)",
        "for (const a = []; ; ) a.push(new Promise(() => 0))",
        "let a: any = null; for (;;) a = { a }",
    ],
)
def test_memory_is_limited_whatever_holds_it(typescript: TypeScriptDriver, code: str) -> None:
    process = psutil.Process()
    before = process.memory_info().rss
    call = script_call(f"export function run() {{ {code} }}", timeout=60, limits=Limits(memory_bytes=48 * MIB))
    name, message = error_of(run(typescript, call))
    assert (name, message) == ("MemoryLimit", f"the step needs more than its {48 * MIB:,} bytes of memory")
    assert process.memory_info().rss - before < 60 * MIB


def test_a_step_may_use_memory_up_to_its_limit(typescript: TypeScriptDriver) -> None:
    source = "export const run = () => new Uint8Array(30e6).fill(1).length"
    assert run(typescript, script_call(source, limits=Limits(memory_bytes=48 * MIB))).output == "30000000"


def test_memory_too_small_for_the_sandbox_itself_fails_by_name(typescript: TypeScriptDriver) -> None:
    outcome = run(typescript, script_call("export const run = () => 1", limits=Limits(memory_bytes=MIB)))
    assert error_of(outcome)[0] == "MemoryLimit"


def test_endless_recursion_fails_by_name_on_any_thread(typescript: TypeScriptDriver) -> None:
    call = script_call("export function run() { const f = (n: number): number => 1 + f(n + 1); return f(0) }")
    outcomes = [run(typescript, call)]
    threads = [threading.Thread(target=lambda: outcomes.append(run(typescript, call))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [error_of(outcome)[0] for outcome in outcomes] == ["StackOverflow"] * 4


def test_a_thousand_calls_deep_is_not_endless(typescript: TypeScriptDriver) -> None:
    source = "export function run() { const f = (n: number): number => (n ? 1 + f(n - 1) : 0); return f(1000) }"
    assert run(typescript, script_call(source)).output == "1000"


def test_data_nested_too_deep_fails_by_name(typescript: TypeScriptDriver) -> None:
    source = "export function run() { let o: any = []; for (let i = 0; i < DEPTH; i++) o = [o]; return o }"
    names = [
        error_of(run(typescript, script_call(source.replace("DEPTH", str(depth)))))[0] for depth in (2_100, 100_000)
    ]
    assert names == ["OutputTooDeep", "StackOverflow"]


def test_a_source_nested_too_deep_to_read_fails_by_name(typescript: TypeScriptDriver) -> None:
    outcome = run(typescript, script_call("export const run = () => " + "[" * 50_000 + "]" * 50_000))
    assert error_of(outcome)[0] == "SyntaxError"
    assert "index.ts" in error_of(outcome)[1]


def test_the_sandbox_works_on_after_every_kind_of_failure(typescript: TypeScriptDriver) -> None:
    limits = Limits(memory_bytes=32 * MIB)
    for code in (
        "for (;;);",
        "const f = () => f(); f()",
        "throw 1",
        "new Uint8Array(1e9)",
        "await new Promise(() => 0)",
    ):
        call = script_call(f"export async function run() {{ {code} }}", timeout=0.2, limits=limits)
        assert not run(typescript, call).ok
        assert run(typescript, script_call("export const run = () => 1")).output == "1"


def test_many_calls_leave_no_memory_behind(typescript: TypeScriptDriver) -> None:
    call = script_call("export const run = (input: unknown) => [input, new Uint8Array(1e6).length]")
    process = psutil.Process()
    for _ in range(50):
        run(typescript, call)
    before = process.memory_info().rss
    for _ in range(300):
        assert run(typescript, call).ok
    assert process.memory_info().rss - before < 8 * MIB
