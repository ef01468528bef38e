"""The examples that bring more than a script: what lies there runs, and is what its source makes."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import platformdirs

from apps.datastore.definition import check_files, read_files
from drivers.contract import Abort, Call, Outcome
from drivers.wasm import WasmDriver
from tests.drivers.calls import bundle

EXAMPLES = Path(__file__).parents[2] / "examples"
ZIG_CACHE = platformdirs.user_cache_path("inngest-server-tests") / "wasm-modules" / "zig"


def payload(data: Mapping[str, object]) -> bytes:
    return json.dumps({"event": {"name": "test", "data": data}, "events": [], "steps": {}, "ctx": {}}).encode()


def checked(driver: WasmDriver, iban: object) -> Outcome:
    """What the example's one step says of it."""
    found = check_files(read_files(EXAMPLES / "check-iban"))
    (step,) = found.definition.steps.values()
    runtime = {"type": step.runtime.type, **step.runtime.options}
    return driver.run(Call(runtime, payload({"iban": iban}), "run-1", step.id, bundle=bundle(found.files)), Abort())


def test_the_check_of_an_iban_tells_right_ones_from_wrong_ones() -> None:
    ibans = {"DE89 3704 0044 0532 0130 00": True, "gb82west12345698765432": True, "DE88370400440532013000": False}
    driver = WasmDriver()
    try:
        for iban, is_valid in ibans.items():
            outcome = checked(driver, iban)
            assert (outcome.ok, outcome.output) == (True, f'{{"valid": {json.dumps(is_valid)}}}')
            assert outcome.log == f"an IBAN of {len(iban)} characters"
        broken = checked(driver, None)
        assert broken.error is not None
        assert broken.error.message == "the module exited with code 1: UnexpectedToken"
    finally:
        driver.close()


def test_the_module_that_lies_there_is_built_from_the_source_beside_it(tmp_path: Path) -> None:
    made = tmp_path / "main.wasm"
    command = (EXAMPLES / "README.md").read_text().partition("zig build-exe ")[2].partition("`")[0].split()
    caches = {"ZIG_GLOBAL_CACHE_DIR": str(ZIG_CACHE), "ZIG_LOCAL_CACHE_DIR": str(ZIG_CACHE)}
    subprocess.run(
        [sys.executable, "-m", "ziglang", "build-exe", *command, f"-femit-bin={made}"],
        env=os.environ | caches,
        cwd=EXAMPLES / "check-iban",
        check=True,
    )
    assert made.read_bytes() == (EXAMPLES / "check-iban" / "main.wasm").read_bytes()


def test_the_report_on_sales_adds_them_up_by_region() -> None:
    sales = [{"region": "north", "amount": 3}, {"region": "west", "amount": 5}, {"region": "north", "amount": 10}]
    done = subprocess.run(
        [sys.executable, EXAMPLES / "sales-report" / "main.py"],
        input=payload({"sales": sales}),
        capture_output=True,
        check=True,
    )
    assert json.loads(done.stdout)["body"] == {
        "north": {"sales": 2, "total": 13, "median": 6.5},
        "west": {"sales": 1, "total": 5, "median": 5},
    }
    assert done.stderr == b"3 sales in 2 regions\n"
