"""Runtimes of other packages: what is wrong with one is said, and touches nothing else."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

GOOD = "from drivers.runtime import Runtime\nRUNTIME = Runtime('steps', 'good:Driver', needs_files=False)\n"


def install(folder: Path, package: str, entry: str, source: str = GOOD) -> None:
    """As an installer would: a module, and the metadata that names it."""
    information = folder / f"{package}-1.0.dist-info"
    information.mkdir(parents=True)
    (information / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
    (information / "entry_points.txt").write_text(f"[inngest_server.drivers]\n{entry}\n")
    (folder / f"{package}.py").write_text(source)


def ask(folder: Path, code: str) -> str:
    environment = os.environ | {"PYTHONPATH": f"{folder}{os.pathsep}{ROOT}"}
    done = subprocess.run(
        [sys.executable, "-c", f"from drivers import registry\n{code}"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


REFUSED = """
try:
    registry.queue_for({name!r})
except registry.UnsupportedRuntime as refused:
    print(refused)
assert registry.queue_for("good") == "steps" and not registry.needs_files("good")
assert registry.declarable() == ["http", "typescript", "wasm", "docker", "good"]
assert list(registry.problems()) == [{name!r}]
"""


@pytest.mark.parametrize(
    ("entry", "source", "says"),
    [
        ("bad = bad:RUNTIME", "import nothing_of_that_name", "cannot be imported: ModuleNotFoundError"),
        ("bad = bad:RUNTIME", "raise SystemError('no')", "cannot be imported: SystemError: no"),
        ("bad = bad:RUNTIME", "", "cannot be imported: AttributeError"),
        ("bad = bad:RUNTIME", "RUNTIME = {'queue': 'steps'}", "is not a drivers.runtime.Runtime but dict"),
        ("bad = bad:RUNTIME", GOOD.replace("good:Driver", "good"), 'a driver is written as "module:Class"'),
        ("bad = bad:RUNTIME", GOOD.replace("'steps'", "''"), "a runtime has a queue"),
        ("bad = bad:RUNTIME", GOOD.replace("needs_files=False", "max_timeout=1e6"), "at most 7200 seconds"),
    ],
)
def test_a_runtime_that_cannot_be_used_says_why_and_leaves_the_others_alone(
    tmp_path: Path, entry: str, source: str, says: str
) -> None:
    install(tmp_path, "good", "good = good:RUNTIME")
    install(tmp_path, "bad", entry, source)
    told = ask(tmp_path, REFUSED.format(name="bad"))
    assert "the runtime 'bad' cannot be used: the entry point bad:RUNTIME (package bad)" in told
    assert says in told


def test_the_name_of_one_of_ours_cannot_be_taken(tmp_path: Path) -> None:
    install(tmp_path, "good", "http = good:RUNTIME")
    told = ask(tmp_path, "print(registry.queue_for('http'), registry.runtime('http').driver, registry.problems())")
    assert "steps drivers.http:HttpDriver" in told
    assert "bears the name of one that comes with the server" in told


def test_two_packages_cannot_bring_one_name(tmp_path: Path) -> None:
    install(tmp_path, "good", "good = good:RUNTIME")
    install(tmp_path, "other", "good = other:RUNTIME")
    told = ask(tmp_path, "print(registry.problems()['good'])")
    assert "good:RUNTIME (package good) and the entry point other:RUNTIME (package other) bear the same name" in told


def test_a_driver_that_cannot_be_made_is_refused_with_the_reason(tmp_path: Path) -> None:
    install(tmp_path, "good", "good = good:RUNTIME")
    code = """
try:
    registry.driver_for("good")
except registry.UnsupportedRuntime as refused:
    print(refused)
"""
    assert "the driver of the runtime 'good' cannot be made: AttributeError" in ask(tmp_path, code)
