"""The functions that are measured, written into a folder with the local app's port in their URLs."""

import json
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path

ONE_STEP = "bench-one-step"
TEN_STEPS = "bench-ten-steps"
TYPESCRIPT = "bench-typescript"
LATENCY = "bench-latency"

STEPS = {ONE_STEP: 1, TEN_STEPS: 10, TYPESCRIPT: 1, LATENCY: 1}
"""How many steps a run of each has."""

NOTHING = "bench/starts-nothing"
"""An event that no function waits for."""

_TYPESCRIPT = """\
interface Event { data: { id: string; email: string; plan: string } }

export async function run({ event }: { event: Event }) {
  const { id, plan } = event.data;
  return { status: 200, body: { welcomed: id, plan: plan.toUpperCase() } };
}
"""


def event_of(function: str) -> str:
    """The event that starts it."""
    return function.replace("-", "/", 1)


def write_functions(folder: Path, app_port: int) -> None:
    """Write their folders."""
    _write(folder, ONE_STEP, {"call": _http(app_port, "step")})
    _write(folder, LATENCY, {"call": _http(app_port, "latency")})
    names = [f"step-{number}" for number in range(1, STEPS[TEN_STEPS] + 1)]
    steps = {name: _http(app_port, "step") for name in names}
    for before, name in pairwise(names):
        steps[name]["after"] = [{"step": before}]
    _write(folder, TEN_STEPS, steps)
    _write(folder, TYPESCRIPT, {})
    (folder / TYPESCRIPT / "index.ts").write_text(_TYPESCRIPT, encoding="utf-8")


def _http(port: int, path: str) -> dict[str, object]:
    return {"runtime": {"type": "http", "url": f"http://127.0.0.1:{port}/{path}"}}


def _write(folder: Path, function: str, steps: Mapping[str, Mapping[str, object]]) -> None:
    definition = {
        "id": function,
        "name": function,
        "triggers": [{"event": event_of(function)}],
        "steps": {name: {"id": name, **step} for name, step in steps.items()},
    }
    (folder / function).mkdir(parents=True)
    (folder / function / "inngest.json").write_text(json.dumps(definition, indent=2), encoding="utf-8")
