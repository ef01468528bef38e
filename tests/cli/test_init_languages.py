"""What `inngest init` makes is right as it is, and runs as it is, in every language."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import wasmtime
from jsonschema import Draft202012Validator

from apps.cli.scaffold.plan import HTTP, RUNTIMES
from apps.cli.scaffold.steps import TEMPLATES
from drivers.contract import Abort, Driver, Outcome
from drivers.typescript import TypeScriptDriver
from drivers.wasm import WasmDriver
from tests.cli.scaffolds import build, call_of, checked, payload, plan, shell, written
from tests.cli.toolchains import build_line, go, rust, rust_build_line

__all__ = ["go", "rust"]

CRON = "TZ=Europe/Paris 0 9 * * 1"
LANGUAGES = [(language, runtime) for language, runtimes in RUNTIMES.items() for runtime in runtimes]
MODULE = wasmtime.wat2wasm('(module (memory (export "memory") 1) (func (export "_start")))')


def outcome_of(driver: Driver, folder: Path) -> Outcome:
    try:
        return driver.run(call_of(folder), Abort())
    finally:
        driver.close()


def assert_ran(outcome: Outcome, folder: Path, body: dict[str, str]) -> None:
    assert outcome.ok, outcome.error
    assert json.loads(outcome.output or "") == {"status": 200, "body": body}
    assert f"{folder.name}: " in outcome.log


def printed(program: Path, folder: Path) -> str:
    """What it prints when it is run as its container would run it: its input is its argument and on stdin."""
    done = subprocess.run(
        [program, payload(folder).decode()], input=payload(folder), capture_output=True, timeout=30, check=True
    )
    assert f"{folder.name}: order/placed, id test-1" in done.stderr.decode()
    return done.stdout.decode()


@pytest.mark.parametrize("template", TEMPLATES)
@pytest.mark.parametrize(("language", "runtime"), [*LANGUAGES, (HTTP, HTTP)])
def test_every_scaffold_could_be_deployed(tmp_path: Path, language: str, runtime: str, template: str) -> None:
    for number, cron in enumerate([None] if template == "wait-for-event" else [None, CRON]):
        folder = written(tmp_path / str(number), plan(language, runtime, cron=cron, template=template))
        if runtime == "wasm":
            for code in (folder, *folder.glob("steps/*")):
                (code / "main.wasm").write_bytes(MODULE)
        definition = checked(folder).definition
        assert {step.runtime.type for step in definition.steps.values()} == {runtime}
        assert [trigger.cron for trigger in definition.crons] == ([cron] if cron else [])
        assert len(definition.steps) == {"plain": 1, "steps": 4, "wait-for-event": 3}[template]


def test_the_test_event_is_valid_by_the_schema_of_the_event(tmp_path: Path) -> None:
    folder = written(tmp_path, plan("typescript"))
    schema = json.loads((folder / "events" / "order-placed.json").read_text())
    Draft202012Validator.check_schema(schema)
    Draft202012Validator(schema).validate(json.loads((folder / "event.json").read_text()))


@pytest.mark.parametrize(("cron", "body"), [(None, {"id": "test-1"}), (CRON, {"cron": CRON})])
def test_typescript_runs_as_it_is(tmp_path: Path, cron: str | None, body: dict[str, str]) -> None:
    folder = written(tmp_path, plan("typescript", cron=cron))
    assert_ran(outcome_of(TypeScriptDriver(), folder), folder, body)


def test_go_built_for_wasm_runs_as_it_is(tmp_path: Path, go: dict[str, str]) -> None:
    folder = written(tmp_path, plan("go", "wasm"))
    build(folder, go)
    assert_ran(outcome_of(WasmDriver(), folder), folder, {"id": "test-1"})


def test_the_build_command_of_the_go_dockerfile_makes_a_program_that_runs(tmp_path: Path, go: dict[str, str]) -> None:
    """Outside a container: an image with Go in it is too large to be made for a test."""
    folder = written(tmp_path, plan("go", "docker"))
    shell(build_line(folder / "Dockerfile").replace("/main", str(tmp_path / "main")), folder, go)
    assert json.loads(printed(tmp_path / "main", folder)) == {"status": 200, "body": {"id": "test-1"}}


def test_the_build_command_of_the_rust_dockerfile_makes_a_program_that_runs(
    tmp_path: Path, rust: dict[str, str]
) -> None:
    """Outside a container, as with Go. The crates' own builds are kept."""
    folder = written(tmp_path, plan("rust", "docker"))
    shell(rust_build_line(folder / "Dockerfile", tmp_path / "main"), folder, rust)
    assert json.loads(printed(tmp_path / "main", folder)) == {"status": 200, "body": {"id": "test-1"}}


def test_go_is_as_gofmt_writes_it(tmp_path: Path, go: dict[str, str]) -> None:
    import go as package  # type: ignore[import-untyped]

    gofmt = Path(package.__file__).parent / "bin" / "gofmt"
    for number, chosen in enumerate((plan("go"), plan("go", cron=CRON))):
        folder = written(tmp_path / str(number), chosen)
        listed = subprocess.run([gofmt, "-d", folder], env=go, capture_output=True, text=True, check=True)
        assert listed.stdout == ""


def test_rust_is_as_rustfmt_writes_it(tmp_path: Path) -> None:
    if shutil.which("rustfmt") is None:
        pytest.skip("needs Rust: rustfmt")
    for number, chosen in enumerate((plan("rust"), plan("rust", cron=CRON))):
        source = written(tmp_path / str(number), chosen) / "src" / "main.rs"
        done = subprocess.run(
            ["rustfmt", "--check", "--edition", "2024", source], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_python_is_as_ruff_writes_it_and_as_mypy_wants_it(tmp_path: Path) -> None:
    def say(*command: str) -> None:
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr

    for number, chosen in enumerate((plan("python", cron=CRON), plan("python"))):
        folder = written(tmp_path / str(number), chosen)
        say(sys.executable, "-m", "ruff", "format", "--isolated", "--check", str(folder))
        say(sys.executable, "-m", "ruff", "check", "--isolated", "--select", "E,F,I,UP", str(folder))
    say(sys.executable, "-m", "mypy", "--config-file=", "--strict", str(folder / "main.py"))
