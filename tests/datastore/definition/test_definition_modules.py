"""Modules of wasm steps are read when a function is checked."""

import json
from typing import Any

import pytest
import wasmtime

from apps.datastore.definition import InvalidDefinition, OutOfTime, check_files

GOOD = wasmtime.wat2wasm('(module (memory (export "memory") 1) (func (export "_start")))')
LIBRARY = wasmtime.wat2wasm('(module (func (export "add")))')
DOCUMENT: dict[str, Any] = {"id": "a", "name": "A", "triggers": [{"event": "e"}]}


def files(**modules: bytes) -> dict[str, bytes]:
    """A function with a wasm step for each module, `a/main.wasm` of step `a`; all of them share a text."""
    steps = {name: {"path": f"file://./{name}", "runtime": {"type": "wasm"}} for name in modules}
    text = json.dumps({**DOCUMENT, "steps": steps}, indent=1).encode()
    return {"inngest.json": text} | {f"{name}/main.wasm": bytes(module) for name, module in modules.items()}


def faults_of(found: dict[str, bytes]) -> list[str]:
    with pytest.raises(InvalidDefinition) as caught:
        check_files(found)
    return [str(fault) for fault in caught.value.faults]


def test_a_module_that_can_run_is_right() -> None:
    checked = check_files(files(a=bytes(GOOD)))
    assert checked.definition.steps["a"].runtime.options == {"module": "main.wasm"}
    assert checked.files == {"a/main.wasm": bytes(GOOD)}


def test_every_module_that_cannot_run_is_named_with_what_is_wrong() -> None:
    first, second = faults_of(files(a=b"\0asm nonsense", b=bytes(GOOD), c=bytes(LIBRARY)))
    assert first.startswith("a/main.wasm: ")
    assert "cannot run" in first
    assert second.startswith("c/main.wasm: ")
    assert "_start" in second


def test_a_folder_that_is_one_step_has_its_module_read_too() -> None:
    (fault,) = faults_of({"inngest.json": json.dumps(DOCUMENT).encode(), "main.wasm": b""})
    assert fault.startswith("main.wasm: ")


def test_modules_and_the_document_are_told_of_at_once() -> None:
    found = files(a=bytes(LIBRARY))
    found["inngest.json"] = found["inngest.json"].replace(b'"wasm"', b'"wasm", "modul": "x"').replace(b'"A"', b'""')
    faults = faults_of(found)
    assert [fault.split(": ")[1] for fault in faults[:2]] == ["$.name", "$.steps.a.runtime.modul"]
    assert faults[2].startswith("a/main.wasm: ")


def test_a_step_that_lacks_its_file_is_at_its_line() -> None:
    found = files(a=bytes(GOOD))
    del found["a/main.wasm"]
    found["a/readme.txt"] = b""
    (fault,) = faults_of(found)
    line = found["inngest.json"].decode().splitlines().index('   "runtime": {') + 1
    assert fault == f'inngest.json:{line}: $.steps.a.runtime: there is no *.wasm in the folder "a"'


def test_reading_modules_ends_at_the_deadline() -> None:
    with pytest.raises(OutOfTime):
        check_files(files(a=bytes(GOOD)), deadline=0.0)
