"""The package: everything of the tree is in it, and the command works where it is installed."""

import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

from apps.version import VERSION
from tests.cli.terminal import ROOT

PACKAGES = ("apps", "drivers", "inngest_server")
PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy: setuptools leaves its folders beside what it builds."""
    folder = tmp_path_factory.mktemp("tree")
    for name in PACKAGES:
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    for name in ("pyproject.toml", "setup.py", "MANIFEST.in", "requirements.txt", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder)
    built = folder / "built"
    subprocess.run(
        [*PIP, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(built), str(folder)], check=True
    )
    [found] = built.glob("*.whl")
    return found


def test_whatever_lies_beside_the_code_is_in_it(wheel: Path) -> None:
    in_tree = {
        path.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and not path.name.startswith(".")
    }
    in_wheel = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert in_wheel == in_tree


def test_it_needs_what_the_requirements_say_but_the_tests(wheel: Path) -> None:
    archive = zipfile.ZipFile(wheel)
    [name] = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
    said = Parser().parsestr(archive.read(name).decode())
    assert (said["Name"], said["Version"], said["Requires-Python"]) == ("inngest-server", VERSION, ">=3.11")
    needs = said.get_all("Requires-Dist") or []
    pinned = [line for line in (ROOT / "requirements.txt").read_text().splitlines() if "==" in line]
    assert len(needs) == len(pinned) - 1
    assert any(need.startswith("typer==") for need in needs)
    assert not any(need.startswith("pytest") for need in needs)


def test_the_command_works_from_any_folder(wheel: Path, tmp_path: Path) -> None:
    """What it needs is lent by the environment of the tests; what it is comes from the package alone."""
    venv, empty = tmp_path / "venv", tmp_path / "empty"
    empty.mkdir()
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(venv)], check=True)
    python = venv / "bin" / "python"
    subprocess.run([*PIP, "--python", str(python), "install", "--no-deps", "--no-index", str(wheel)], check=True)
    [packages] = venv.glob("lib/*/site-packages")
    (packages / "lent.pth").write_text(sysconfig.get_path("purelib"))
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}

    def say(*command: str) -> str:
        done = subprocess.run(command, cwd=empty, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert say(str(venv / "bin" / "inngest"), "--version") == f"inngest {VERSION}\n"
    assert "events" in say(str(venv / "bin" / "inngest"), "--help")
    where = say(str(python), "-c", "import apps, drivers.typescript; print(apps.__file__, drivers.__file__)")
    assert where.count(str(packages)) == 2
    assert "no issues" in say(str(python), "-m", "django", "check", "--settings=inngest_server.settings")
