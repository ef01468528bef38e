"""Steps of the wasm driver: one program in Zig that does what the name of its own file says."""

import hashlib
from typing import Any

from drivers.contract import Bundle, Call, Driver, Limits
from drivers.wasm import WasmDriver
from tests.drivers.calls import PAYLOAD
from tests.wasm_modules.building import built


class WasmSubject:
    runtime = "wasm"
    lacks: frozenset[str] = frozenset()

    def __init__(self, driver: WasmDriver) -> None:
        self.driver: Driver = driver

    def returning(self, text: str) -> Call:
        return self.writing(text.encode())

    def writing(self, data: bytes) -> Call:
        return ordered("write", data)

    def echoing(self) -> Call:
        return ordered("echo")

    def failing(self, message: str) -> Call:
        return ordered("fail", message)

    def hanging(self) -> Call:
        return ordered("hang")

    def logging(self, lines: list[str], output: str) -> Call:
        log = "".join(f"{line}\n" for line in lines).encode()
        return ordered("log", str(len(log)), log + output.encode())

    def exiting(self, code: int, output: str) -> Call:
        return ordered("exit", str(code), output)

    def telling_variable(self, name: str) -> Call:
        return ordered("variable", name)

    def flooding(self) -> Call:
        return ordered("flood")

    def hoarding(self) -> Call:
        return ordered("hoard")


def ordered(verb: str, *words: str | bytes, **more: Any) -> Call:
    """A call of `tests/wasm_modules/orders.zig`."""
    order = b"\0".join([verb.encode(), *(word.encode() if isinstance(word, str) else word for word in words)])
    return module_call(built("orders.zig"), name=f"{order.hex()}.wasm", **more)


def module_call(
    module: bytes,
    *,
    name: str = "step.wasm",
    payload: bytes = PAYLOAD,
    timeout: float = 20.0,
    limits: Limits | None = None,
    env: dict[str, str] | None = None,
) -> Call:
    return Call(
        {"type": "wasm", "module": name},
        payload,
        "run-1",
        "step-1",
        timeout=timeout,
        limits=limits or Limits(),
        bundle=Bundle(hashlib.sha256(name.encode() + module).hexdigest(), {name: module}),
        env=env or {},
    )
