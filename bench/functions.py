"""The functions that are measured, with the local app's port in their URLs: as folders, and as an SDK app's."""

import json
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path

ONE_STEP = "bench-one-step"
TEN_STEPS = "bench-ten-steps"
TYPESCRIPT = "bench-typescript"
LATENCY = "bench-latency"
WAITING = "bench-waiting"
SDK_CALL = "bench-sdk-call"
SDK_ONE_STEP = "bench-sdk-one-step"
SDK_TEN_STEPS = "bench-sdk-ten-steps"
FAN = "bench-fan"
"""Begins the names of the functions that one event starts."""

SDK_STEPS = {SDK_CALL: 0, SDK_ONE_STEP: 1, SDK_TEN_STEPS: 10}
"""How many steps each function of the SDK's app runs, before it returns."""

STEPS = {ONE_STEP: 1, TEN_STEPS: 10, TYPESCRIPT: 1, LATENCY: 1} | {name: n + 1 for name, n in SDK_STEPS.items()}
"""How many steps a run of each has. An SDK's function is a step itself; it is called for each of them."""

NOTHING = "bench/starts-nothing"
"""An event that no function waits for."""
ANSWER = "bench/answer"
"""The event that resumes a run of WAITING."""
FANNED = "bench/fanned"
"""The event that starts every function of the fan."""

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
    answered = {"event": ANSWER, "match": "async.data.n == event.data.n", "ttl": "8760h"}
    _write(folder, WAITING, {"call": _http(app_port, "latency") | {"after": [{"async": answered}]}})
    _write(folder, TYPESCRIPT, {})
    (folder / TYPESCRIPT / "index.ts").write_text(_TYPESCRIPT, encoding="utf-8")


def write_fan(folder: Path, app_port: int, functions: int) -> None:
    """Write functions that one event starts, each with an expression of its own."""
    for number in range(functions):
        expression = f"event.data.plan != 'free' && event.data.n + {number} >= {number}"
        trigger = {"event": FANNED, "expression": expression}
        _write(folder, f"{FAN}-{number}", {"call": _http(app_port, "step")}, trigger)


def registration(app_port: int) -> dict[str, object]:
    """What the SDK's app registers."""
    url = f"http://127.0.0.1:{app_port}/sdk"
    return {
        "url": url,
        "deployType": "ping",
        "appName": "bench",
        "sdk": "bench:v1",
        "v": "0.1",
        "framework": "bench",
        "functions": [_sdk_function(name, url) for name in SDK_STEPS],
    }


def _sdk_function(name: str, url: str) -> dict[str, object]:
    runtime = {"type": "http", "url": f"{url}?fnId={name}&stepId=step"}
    step = {"id": "step", "name": "step", "runtime": runtime, "retries": {"attempts": 3}}
    return {"id": name, "name": name, "triggers": [{"event": event_of(name)}], "steps": {"step": step}}


def _http(port: int, path: str) -> dict[str, object]:
    return {"runtime": {"type": "http", "url": f"http://127.0.0.1:{port}/{path}"}}


def _write(
    folder: Path,
    function: str,
    steps: Mapping[str, Mapping[str, object]],
    trigger: Mapping[str, object] | None = None,
) -> None:
    definition = {
        "id": function,
        "name": function,
        "triggers": [trigger or {"event": event_of(function)}],
        "steps": {name: {"id": name, **step} for name, step in steps.items()},
    }
    (folder / function).mkdir(parents=True)
    (folder / function / "inngest.json").write_text(json.dumps(definition, indent=2), encoding="utf-8")
