import json
import time
from dataclasses import replace
from typing import Any

import pytest

from drivers.contract import Limits
from drivers.typescript import TypeScriptDriver
from tests.drivers.calls import error_of, run, script_call


def output(driver: TypeScriptDriver, body: str, **options: Any) -> Any:
    """What a step whose function has this body gives back."""
    outcome = run(driver, script_call(f"export async function run(input: any) {{ {body} }}", **options))
    assert outcome.ok, outcome
    return json.loads(outcome.output or "")


def failure(driver: TypeScriptDriver, body: str, **options: Any) -> tuple[str, str]:
    return error_of(run(driver, script_call(f"export async function run(input: any) {{ {body} }}", **options)))


def test_a_default_export_is_run_too(typescript: TypeScriptDriver) -> None:
    call = script_call("interface Input { event: any }\nexport default ({ event }: Input): string => event.data.id;")
    assert run(typescript, call).output == '"u1"'


def test_javascript_needs_no_types(typescript: TypeScriptDriver) -> None:
    assert run(typescript, script_call({"index.js": "export const run = () => 1"})).output == "1"


def test_no_run_and_no_default_is_told(typescript: TypeScriptDriver) -> None:
    outcome = run(typescript, script_call("export const start = () => 1"))
    assert error_of(outcome) == ("NoEntrypoint", "index.ts exports no function named run, and no default function")
    assert not outcome.retryable


def test_the_output_is_what_json_makes_of_it(typescript: TypeScriptDriver) -> None:
    assert output(typescript, "") is None
    assert output(typescript, "return () => 1") is None
    assert output(typescript, "return [NaN, undefined, new Date(0)]") == [None, None, "1970-01-01T00:00:00.000Z"]
    assert failure(typescript, "return { a: 1n }")[0] == "TypeError"
    assert failure(typescript, "const a: any = {}; a.a = a; return a")[1] == "circular reference"


def test_promises_are_awaited(typescript: TypeScriptDriver) -> None:
    assert output(typescript, "return Promise.all([1, Promise.resolve(2), (async () => 3)()])") == [1, 2, 3]
    assert output(typescript, "let n = 0; for (; n < 50_000; n++) await null; return n") == 50_000


def test_a_top_level_await_is_awaited(typescript: TypeScriptDriver) -> None:
    assert run(typescript, script_call("const x = await Promise.resolve(5); export const run = () => x")).output == "5"


def test_a_promise_that_nothing_will_settle_is_told_at_once(typescript: TypeScriptDriver) -> None:
    name, message = failure(typescript, "await new Promise(() => 0)")
    assert (name, message) == ("NeverSettled", "the step waits for a promise that nothing is left to settle")


def test_timers_run_in_order_and_take_their_time(typescript: TypeScriptDriver) -> None:
    body = """
      const seen: any[] = [], start = Date.now(), sleep = (ms: number) => new Promise((done) => setTimeout(done, ms));
      setTimeout((x: string) => seen.push(x), 20, "second"); setTimeout(() => seen.push("first"), 5);
      const stopped = setTimeout(() => seen.push("never"), 10); clearTimeout(stopped);
      let ticks = 0; const interval = setInterval(() => { if (++ticks === 3) clearInterval(interval) }, 5);
      await sleep(60);
      return [seen, ticks, Date.now() - start >= 60];"""
    assert output(typescript, body) == [["first", "second"], 3, True]


def test_a_timer_that_throws_fails_the_step(typescript: TypeScriptDriver) -> None:
    body = "setTimeout(() => { throw new RangeError('late') }, 1); await new Promise(() => 0)"
    assert failure(typescript, body) == ("RangeError", "late")


@pytest.mark.parametrize("delay", ["1e300", "1e9"])
def test_a_timer_beyond_the_timeout_ends_with_it(typescript: TypeScriptDriver, delay: str) -> None:
    assert failure(typescript, f"await new Promise((r) => setTimeout(r, {delay}))", timeout=0.2)[0] == "StepTimeout"


def test_an_error_carries_name_message_and_the_lines_of_the_source(typescript: TypeScriptDriver) -> None:
    source = """// the lines of this file
// are not those that run

import { fail } from "./lib/fail";

interface Input {
  event: { data: unknown };
}

export async function run({ event }: Input): Promise<never> {
  await null;
  return fail(event.data);
}
"""
    library = "type Reason = unknown;\n\n/* words */\nexport function fail(why: Reason): never {\n\n"
    library += "  throw new RangeError(`no ${typeof why}`);\n}\n"
    outcome = run(typescript, script_call({"index.ts": source, "lib/fail.ts": library}))
    assert outcome.error is not None
    assert (outcome.error.name, outcome.error.message) == ("RangeError", "no object")
    assert outcome.error.stack == "    at fail (lib/fail.ts:6)\n    at run (index.ts:12)"


@pytest.mark.parametrize(
    ("thrown", "message"),
    [("'text'", "text"), ("{ a: 1 }", '{"a":1}'), ("undefined", "undefined"), ("null", "null"), ("42", "42")],
)
def test_what_is_thrown_need_not_be_an_error(typescript: TypeScriptDriver, thrown: str, message: str) -> None:
    assert failure(typescript, f"throw {thrown}") == ("Error", message)


@pytest.mark.parametrize(
    "body",
    [
        "throw new Proxy({}, { get() { throw 1 }, getPrototypeOf() { throw 2 } })",
        "throw Object.defineProperty(new Error(), 'message', { get() { throw new Error('again') } })",
        "throw Object.assign(new Error(), { name: {}, stack: 5 })",
        "globalThis.String = (() => '\\ud800') as any; String.prototype.toWellFormed = (() => ({})) as any; throw 1",
        "throw new Error('\\ud800'.repeat(1e7))",
        "throw Object.assign(Error(), { stack: 'x (index.ts:1:1)\\n'.repeat(1e5) + 'index.ts:' + '9'.repeat(5e3) })",
        "JSON.stringify = (() => '}') as any; throw new Error('x')",
    ],
)
def test_a_hostile_error_is_still_one_failure(typescript: TypeScriptDriver, body: str) -> None:
    name, message = failure(typescript, body)
    assert name
    (name + message).encode()


def test_a_forged_stack_naming_a_file_that_does_not_parse_is_shown_as_it_is(typescript: TypeScriptDriver) -> None:
    files = {
        "index.ts": "export const run = () => { throw Object.assign(new Error(), { stack: 'at x (bad.ts:1:1)' }) }",
        "bad.ts": "const ( = ",
    }
    outcome = run(typescript, script_call(files))
    assert outcome.error is not None
    assert outcome.error.stack == "at x (bad.ts:1:1)"


def test_console_goes_to_the_log(typescript: TypeScriptDriver) -> None:
    body = "console.log('a', 1, { b: [2] }, null, undefined, 3n); console.error('e\\ud800\\0'); console.info(run)"
    outcome = run(typescript, script_call(f"export function run() {{ {body} }}"))
    assert outcome.log == 'a 1 {"b":[2]} null undefined 3n\n[error] e\ufffd\ufffd\n[Function run]'


def test_the_log_is_capped_and_says_so(typescript: TypeScriptDriver) -> None:
    source = "export function run() { for (let i = 0; i < 1e5; i++) console.log('é'.repeat(50)) }"
    outcome = run(typescript, script_call(source, limits=Limits(log_bytes=1000)))
    assert outcome.ok
    assert len(outcome.log.encode()) < 1100
    assert outcome.log.endswith("\n[the log ends here: it is longer than 1,000 bytes]")


@pytest.mark.parametrize(
    "end", ["throw new Error()", "for (;;);", "const a = []; for (;;) a.push(new Array(1e5).fill(1))"]
)
def test_the_log_of_a_failed_step_is_kept(typescript: TypeScriptDriver, end: str) -> None:
    source = f"export function run() {{ console.log('here'); {end} }}"
    outcome = run(typescript, script_call(source, timeout=0.5, limits=Limits(memory_bytes=32 * 1024 * 1024)))
    assert (outcome.ok, outcome.log) == (False, "here")


def test_the_environment_is_process_env(typescript: TypeScriptDriver) -> None:
    env = {"KEY": 'se"cret\n\u2028', "__proto__": "x"}
    assert output(typescript, "return process.env", env=env) == env
    assert output(typescript, "return [process.env.MISSING, Object.isFrozen(process.env)]") == [None, True]


def test_nothing_is_left_for_the_next_call(typescript: TypeScriptDriver) -> None:
    body = "const g: any = globalThis; g.n = (g.n ?? 0) + 1; (Array.prototype as any).x = 1; return g.n"
    assert [output(typescript, body) for _ in range(3)] == [1, 1, 1]
    assert output(typescript, "return ([] as any).x") is None


def test_random_numbers_differ_between_calls(typescript: TypeScriptDriver) -> None:
    body = "return [Math.random(), crypto.randomUUID(), crypto.getRandomValues(new Uint32Array(2)).join()]"
    drawn = [output(typescript, body) for _ in range(20)]
    assert all(len({call[kind] for call in drawn}) == 20 for kind in range(3))
    assert all(0 <= call[0] < 1 for call in drawn)
    mean = "let sum = 0; for (let i = 0; i < 1e4; i++) sum += Math.random(); return sum / 1e4"
    assert 0.47 < output(typescript, mean) < 0.53


def test_what_programs_expect_beside_the_language_is_there(typescript: TypeScriptDriver) -> None:
    body = """
      const text = "aé€\\u{1f600}", bytes = new TextEncoder().encode(text);
      const copy = structuredClone({ d: new Date(0), m: new Map([[1, new Set([2])]]), b: new Uint8Array([1]) });
      return [
        new TextDecoder().decode(bytes) === text, bytes.length, new TextDecoder().decode(new Uint8Array([0xff, 65])),
        copy.d.getTime(), copy.m.get(1)!.has(2), copy.b[0], atob(btoa("x")), typeof performance.now(),
        typeof queueMicrotask, new Date().getTimezoneOffset(), Math.abs(Date.now() - NOW) < 60_000,
      ];""".replace("NOW", str(time.time() * 1000))
    assert output(typescript, body) == [True, 10, "\ufffdA", 0, True, 1, "x", "number", "function", 0, True]


def test_the_host_is_out_of_reach(typescript: TypeScriptDriver, capfd: pytest.CaptureFixture[str]) -> None:
    names = ["require", "std", "os", "print", "Deno", "Bun", "XMLHttpRequest", "WebAssembly", "Worker"]
    body = f"return {json.dumps(names)}.filter((name) => name in globalThis)"
    assert output(typescript, body) == []
    assert output(typescript, "console.log('x'); console.error('y'); return Object.keys(process)") == ["env"]
    assert capfd.readouterr() == ("", "")


def test_a_step_without_files_fails_by_name(typescript: TypeScriptDriver) -> None:
    outcome = run(typescript, replace(script_call(""), bundle=None))
    assert (error_of(outcome)[0], outcome.retryable) == ("NoBundle", False)
