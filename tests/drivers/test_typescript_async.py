"""Async code in scripts."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from drivers import quickjs_image
from drivers import typescript as typescript_driver
from drivers.quickjs_guest import Image, Machine
from drivers.typescript import TypeScriptDriver
from tests.drivers.calls import error_of, run, script_call


def output(driver: TypeScriptDriver, body: str) -> Any:
    outcome = run(driver, script_call(f"export async function run(input: any) {{ {body} }}"))
    assert outcome.ok, outcome
    return json.loads(outcome.output or "")


def test_asynchronous_iteration_works(typescript: TypeScriptDriver) -> None:
    body = """
      const later = <T>(value: T) => new Promise<T>((done) => setTimeout(() => done(value), 2));
      async function* numbers() { try { yield 1; yield later(2); yield* [3] } finally { seen.push("closed") } }
      const seen: any[] = [];
      for await (const n of numbers()) seen.push(n);
      for await (const n of [later("a"), "b"]) seen.push(n);
      for await (const n of numbers()) if (n === 2) break;
      return seen;"""
    assert output(typescript, body) == [1, 2, 3, "closed", "a", "b", "closed"]


def test_promises_combine(typescript: TypeScriptDriver) -> None:
    body = """
      const later = (value: any, ms: number) => new Promise((done) => setTimeout(() => done(value), ms));
      const no = (why: string) => Promise.reject(new Error(why));
      const { promise, resolve } = Promise.withResolvers<number>(); setTimeout(resolve, 3, 7);
      return [
        await Promise.race([later("slow", 30), later("quick", 2)]), await Promise.any([no("x"), later(1, 2)]),
        (await Promise.allSettled([no("y"), 2])).map((one) => one.status), await promise,
        await Promise.all([no("z"), 1]).catch((e) => e.message), await no("f").catch(() => 1).finally(() => 2),
      ];"""
    assert output(typescript, body) == ["quick", 1, ["rejected", "fulfilled"], 7, "z", 1]


def test_modules_that_await_run_in_the_order_of_their_imports(typescript: TypeScriptDriver) -> None:
    files = {
        "index.ts": 'import { a } from "./a"; import { b } from "./b"; import { late } from "./late";\n'
        "export const run = async () => [a, b, await late()];",
        "late.ts": 'export const late = async () => (await import("./c")).default;',
        "a.ts": "export const a = await new Promise((done) => setTimeout(done, 5, 'a'));",
        "b.ts": 'import { a } from "./a"; export const b = (await a) + "b";',
        "c.ts": "export default await Promise.resolve('c');",
    }
    assert run(typescript, script_call(files)).output == '["a","ab","c"]'


def test_a_module_that_rejects_fails_the_step(typescript: TypeScriptDriver) -> None:
    source = (
        "await new Promise((_, no) => setTimeout(() => no(new RangeError('early')), 2)); export const run = () => 1"
    )
    assert error_of(run(typescript, script_call(source))) == ("RangeError", "early")


def test_a_rejection_later_on_fails_the_step_with_its_stack(typescript: TypeScriptDriver) -> None:
    source = """
      const sleep = (ms: number) => new Promise((done) => setTimeout(done, ms));
      async function inner() { await sleep(1); throw new RangeError("late"); }
      export async function run() {
        await sleep(1);
        await inner();
      }"""
    outcome = run(typescript, script_call(source))
    assert error_of(outcome) == ("RangeError", "late")
    assert outcome.error is not None
    assert "inner (index.ts:3)" in outcome.error.stack


def test_a_rejection_of_what_nobody_waits_for_changes_nothing(typescript: TypeScriptDriver) -> None:
    body = "Promise.reject(new Error('lost')); (async () => { throw 1 })(); await null; return 'done'"
    assert output(typescript, body) == "done"


def test_work_that_nobody_waits_for_ends_with_the_step(typescript: TypeScriptDriver) -> None:
    body = "setTimeout(() => console.log('never'), 5); queueMicrotask(() => console.log('soon')); return 1"
    outcome = run(typescript, script_call(f"export async function run() {{ {body} }}"))
    assert (outcome.output, outcome.log) == ("1", "soon")


def test_what_a_thenable_does_is_its_own_affair(typescript: TypeScriptDriver) -> None:
    assert output(typescript, "return { then(done: any) { done({ a: 1 }) } }") == {"a": 1}
    outcome = run(typescript, script_call("export const run = () => ({ then() { throw new Error('x') } })"))
    assert error_of(outcome) == ("Error", "x")


def test_steps_that_start_together_make_one_memory_image(monkeypatch: pytest.MonkeyPatch) -> None:
    made, together, driver = [], threading.Barrier(3), TypeScriptDriver()
    machine = Machine()

    def take_image(machine: Machine, with_fetch: bool) -> Image:
        made.append(with_fetch)
        return real(machine, with_fetch)

    def image(_: int) -> Image:
        together.wait(10.0)
        return driver._image(machine, with_fetch=False)

    real = quickjs_image.take_image
    monkeypatch.setattr(typescript_driver, "take_image", take_image)
    with ThreadPoolExecutor(3) as threads:
        first, *others = threads.map(image, range(3))
    assert made == [False]
    assert all(other is first for other in others)
