"""Functions that `inngest run` runs in a test, and what it leaves."""

import json
import subprocess
from pathlib import Path
from typing import Any, NamedTuple

from tests.cli.terminal import COMMAND, Said
from tests.cli.terminal import run as run_command
from tests.waiting import wait_for

_SECONDS = 90.0
"""A whole server starts and ends in it, on a machine that does other things too."""


class Running:
    """A person with functions in a folder."""

    def __init__(self, folder: Path, env: dict[str, str]) -> None:
        self.folder = folder
        self.env = env
        self._cache = Path(env["INNGEST_CACHE_DIR"]) / "run"

    def write(self, name: str, script: str, definition: dict[str, Any]) -> None:
        """A function of this id in a folder of that name; `script` is its only step, unless it has others."""
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        (folder / "inngest.json").write_text(json.dumps({"id": name, "name": name, **definition}))
        if "steps" not in definition:
            (folder / "index.ts").write_text(script)

    def write_script(self, folder: str, script: str) -> None:
        (self.folder / folder).mkdir(exist_ok=True)
        (self.folder / folder / "index.ts").write_text(script)

    @staticmethod
    def step(name: str, attempts: int = 1) -> dict[str, Any]:
        path = f"file://./{name}"
        return {"id": name, "path": path, "runtime": {"type": "typescript"}, "retries": {"attempts": attempts}}

    def run(self, *arguments: str, stdin: str = "") -> Said:
        return run_command(["run", *arguments], self.env, stdin, seconds=_SECONDS)

    def left(self) -> list[str]:
        """Folders of servers in the cache."""
        return sorted(folder.name for folder in self._cache.glob("running-*"))


class Started(NamedTuple):
    process: subprocess.Popen[bytes]
    path: Path


def start_and_see(here: Running, function: str) -> Started:
    """The command, once its server runs, and the server's folder."""
    process = subprocess.Popen([*COMMAND, "run", function], env=here.env, stdout=subprocess.PIPE)
    assert process.stdout is not None
    with process.stdout as lines:
        for line in lines:
            if "○" in line.decode():
                break
    wait_for(here.left, "its folder is there")
    return Started(process, Path(here.env["INNGEST_CACHE_DIR"]) / "run" / here.left()[0])
