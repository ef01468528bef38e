"""The checklist of docs/adding-a-driver.md, followed: its files as they stand there, installed and used."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/adding-a-driver.md"

USED = """
import time
from apps.datastore.definition import InvalidDefinition, parse
from drivers.contract import Abort, Bundle, Call
from drivers.registry import close_drivers, driver_for, needs_files, queue_for

def document(**runtime):
    steps = {"build": {"path": "file://./build", "timeout": "1h", "runtime": {"type": "shell", **runtime}}}
    return {"id": "a", "name": "A", "triggers": [{"event": "e"}], "steps": steps}

def faults(**runtime):
    try:
        parse(document(**runtime), files)
    except InvalidDefinition as invalid:
        return [str(fault) for fault in invalid.faults]

files = {"build/main.sh": b"cat; echo $A_SECRET >&2", "build/inner/other.sh": b""}
step = parse(document(), files).steps["build"]
assert step.runtime.options == {"script": "main.sh", "trace": False}, step
assert step.timeout == 3600
assert parse(document(script="inner/other.sh", trace=True, umask="077"), files)
assert faults(script="no.sh") == ['$.steps.build.runtime.script: there is no "no.sh" in the folder "build"']
assert faults(trace="yes") == ["$.steps.build.runtime.trace: must be true or false, not text"]
assert faults(umask="777") == ['$.steps.build.runtime.umask: must be "022", "027" or "077"']
assert faults(scrpt="a") == ['$.steps.build.runtime.scrpt: unknown field (did you mean "script"?)']
assert faults(type="shel") == [
    '$.steps.build.runtime.type: must be one of "http", "typescript", "wasm", "docker", "shell", not "shel" '
    '(did you mean "shell"?)'
]

assert (queue_for("shell"), needs_files("shell")) == ("steps.shell", True)
runtime = {"type": step.runtime.type, **step.runtime.options}
call = Call(runtime, b'{"event":1}', "run", "build", bundle=Bundle("k", files, step.path), env={"A_SECRET": "s3cret"})
outcome = driver_for("shell").run(call, Abort())
assert (outcome.ok, outcome.output, outcome.log) == (True, '{"event":1}', "s3cret"), outcome

files = {"build/main.sh": b"echo started >&2; setsid sleep 20 & sleep 20 & echo 1"}
started = time.monotonic()
outcome = driver_for("shell").run(Call(runtime, b"{}", "run", "build", bundle=Bundle("l", files, step.path)), Abort())
assert (outcome.ok, outcome.output, outcome.log) == (True, "1", "started"), outcome
assert time.monotonic() - started < 10.0
close_drivers()
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the page's package in it, as pip leaves it."""
    source, target = tmp_path_factory.mktemp("inngest-shell"), tmp_path_factory.mktemp("site-packages")
    blocks = re.findall(r"^```(?:toml|python)\n# (\S+)\n(.*?)^```$", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    assert [name for name, _ in blocks] == [
        "pyproject.toml",
        "inngest_shell/__init__.py",
        "inngest_shell/driver.py",
        "inngest_shell/subject.py",
    ]
    for name, text in blocks:
        (source / name).parent.mkdir(exist_ok=True)
        (source / name).write_text(text)
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    run([*pip, "--target", str(target), str(source)])
    return target


def run(command: list[str], installed: Path | None = None) -> str:
    more = {"PYTHONPATH": f"{installed}{os.pathsep}{ROOT}"} if installed else {}
    # What the session has told this process is not for a process without Django's settings.
    environment = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    done = subprocess.run(
        command, env=environment | more, cwd=ROOT, capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-5000:]
    return done.stdout


def test_the_runtime_is_known_its_options_are_checked_and_its_steps_run(installed: Path) -> None:
    run([sys.executable, "-c", USED], installed)


def test_the_conformance_suite_runs_against_it(installed: Path) -> None:
    # Without the session's services, of which the suite needs none.
    pytest_alone = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    options = ["-o", "addopts=--import-mode=importlib --strict-markers", "--subject"]
    told = run([*pytest_alone, *options, "inngest_shell.subject:ShellSubject", "tests/drivers/conformance"], installed)
    found = re.search(r"(\d+) passed", told)
    assert found is not None
    assert int(found[1]) > 70
    assert "1 skipped" in told  # it has no limit of memory
