"""Apps in Node on the TypeScript SDK (folder `node`), and what they can be asked."""

import shutil
from collections.abc import Mapping

import pytest

from apps.devserver import fleet
from tests.sdk.harness import App, Call, Json, SdkServer, ask, steps_of

FOLDER = fleet.PROJECT / "tests" / "sdk" / "node"


def node_app(server: SdkServer, app_id: str, **settings: str) -> App:
    """An app in Node, not started yet. SDK=3 puts it on that version, FUNCTIONS=before|after on one day's functions."""
    program = shutil.which("node")
    if program is None or not (FOLDER / "node_modules").is_dir():
        pytest.skip("the TypeScript SDK is not installed: `make test` does it")
    return App(server, app_id, [program, str(FOLDER / "app.mjs")], settings)


def sync_path(app: App, path: str) -> None:
    """PUT: register another app of the same process."""
    answer = ask("PUT", f"{app.origin}/api/{path}")
    assert answer.status == 200, answer


def send(server: SdkServer, prefix: str, scenarios: Mapping[str, object]) -> dict[str, str]:
    """POST an event `<prefix>/<scenario>` with this data for each, at once. Their internal ids by scenario.

    What follows a space in a scenario's name tells it from others with the same event.
    """
    ids = server.send([{"name": f"{prefix}/{name.split()[0]}", "data": data} for name, data in scenarios.items()])
    return dict(zip(scenarios, ids, strict=True))


def function_calls(app: App, run: Json) -> list[Call]:
    """Of a run, the calls of the function itself, oldest first."""
    return [call for call in app.calls(run["run_id"]) if call.step == "step"]


def step_calls(app: App, run: Json) -> list[Call]:
    """Of a run, the calls that ask for one planned step, oldest first."""
    return [call for call in app.calls(run["run_id"]) if call.step != "step"]


def steps_by_name(run: Json) -> dict[str, Json]:
    """Of a run, the steps that its function made, by the names that it gave them."""
    return {step["name"]: step for step in steps_of(run)}


def recorded(app: App, run: Json) -> list[Json]:
    """Of a run, all that the app wrote down about its calls, oldest first."""
    found: list[Json] = ask("GET", f"{app.origin}/calls?run={run['run_id']}").json
    return found


def outgoing(app: App) -> list[Json]:
    """The requests that the SDK has made of its own: method, path and status of each."""
    found: list[Json] = ask("GET", f"{app.origin}/outgoing").json
    return found
