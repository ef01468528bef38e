"""Functions that `inngest init` makes, and their steps as a worker would call them."""

import json
import subprocess
from pathlib import Path
from typing import Any

from apps.cli.scaffold.answers import slug
from apps.cli.scaffold.plan import HTTP, RUNTIMES, Plan
from apps.cli.scaffold.rendering import files_of
from apps.cli.scaffold.writing import write_folder
from apps.datastore.definition import Checked, check_files, read_files
from drivers.contract import Call
from tests.drivers.calls import bundle


def plan(language: str, runtime: str | None = None, *, cron: str | None = None, template: str = "plain") -> Plan:
    """For the event `order/placed`, unless a cron is given."""
    name = f"Send it ({language})"
    url = "https://example.com/send" if language == HTTP else None
    kind = runtime or (HTTP if language == HTTP else RUNTIMES[language][0])
    return Plan(slug(name), name, None if cron else "order/placed", cron, language, kind, url, template)


def written(folder: Path, chosen: Plan) -> Path:
    """The function's folder."""
    write_folder(folder / chosen.id, {path: text.encode() for path, text in files_of(chosen).items()})
    return folder / chosen.id


def build(folder: Path, environment: dict[str, str]) -> None:
    """Runs the build commands of the definition, as a deploy does."""
    document = json.loads((folder / "inngest.json").read_text())
    for step in document["steps"].values():
        where = folder / step.get("path", "file://.").removeprefix("file://")
        shell(step["runtime"]["build"], where, environment)


def shell(command: str, folder: Path, environment: dict[str, str]) -> None:
    done = subprocess.run(
        ["sh", "-c", command], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def checked(folder: Path) -> Checked:
    """Raises InvalidDefinition unless it could be deployed."""
    return check_files(read_files(folder))


def payload(folder: Path) -> bytes:
    """A step's input, with the function's own test event."""
    event = json.loads((folder / "event.json").read_text())
    return json.dumps({"event": {**event, "id": "01", "ts": 1}, "events": [event], "steps": {}, "ctx": {}}).encode()


def call_of(folder: Path, step_id: str = "step-1") -> Call:
    """The step of the function that is in the folder, to be given to its driver."""
    found = checked(folder)
    step = found.definition.steps[step_id]
    runtime: dict[str, Any] = {"type": step.runtime.type, **step.runtime.options}
    return Call(runtime, payload(folder), "run-1", step_id, timeout=60.0, bundle=bundle(found.files, step.path))
