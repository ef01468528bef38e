"""Steps of the typescript driver: a script for each."""

import json

from drivers.contract import Call, Driver
from drivers.typescript import TypeScriptDriver
from tests.drivers.calls import script_call


class TypeScriptSubject:
    runtime = "typescript"
    # A script returns values, and what it returns is written as JSON.
    lacks = frozenset({"writing", "exiting"})

    def __init__(self, driver: TypeScriptDriver) -> None:
        self.driver: Driver = driver

    def returning(self, text: str) -> Call:
        return script_call(f"export const run = () => JSON.parse({json.dumps(text)});")

    def writing(self, data: bytes) -> Call:
        raise NotImplementedError

    def echoing(self) -> Call:
        return script_call("export const run = (input: unknown) => input;")

    def failing(self, message: str) -> Call:
        return script_call(f"export function run() {{ throw new Error({json.dumps(message)}) }}")

    def hanging(self) -> Call:
        return script_call("export function run() { for (;;); }")

    def logging(self, lines: list[str], output: str) -> Call:
        logs = "".join(f"console.log({json.dumps(line)});" for line in lines)
        return script_call(f"export function run() {{ {logs} return JSON.parse({json.dumps(output)}) }}")

    def exiting(self, code: int, output: str) -> Call:
        raise NotImplementedError

    def telling_variable(self, name: str) -> Call:
        return script_call(f"export const run = () => ({{ value: process.env[{json.dumps(name)}] ?? null }});")

    def flooding(self) -> Call:
        flood = "for (let n = 0; n < 500; n++) console.log('x'.repeat(10_000)); return 'x'.repeat(20_000_000)"
        return script_call(f"export function run() {{ {flood} }}")

    def hoarding(self) -> Call:
        return script_call("export function run() { const kept = []; for (;;) kept.push(new Uint8Array(1_000_000)) }")
