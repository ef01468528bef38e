"""The templates: which steps there are, and how they follow each other. The code of each step is the language's."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from apps.cli.problems import Problem
from apps.cli.scaffold.plan import HTTP, Plan

TEMPLATES = {
    "plain": "one step",
    "steps": "four steps: one waits, and one joins the others",
    "wait-for-event": "a step that runs when another event comes, and one that runs if it has not come in time",
}
ONLY_STEP = "step-1"
"""What the step of a folder without `steps` is called, too."""
MODULE = "main.wasm"
_BUILDS = {
    "go": f"GOOS=wasip1 GOARCH=wasm go build -o {MODULE} .",
    "rust": (
        "cargo build --release --target wasm32-wasip1 --target-dir .target"
        f" && cp .target/wasm32-wasip1/release/function.wasm {MODULE}"
    ),
}


class Step(NamedTuple):
    id: str
    name: str
    after: tuple[Mapping[str, Any], ...] = ()


def steps_of(plan: Plan) -> list[Step]:
    """Raises Problem if the template does not fit what starts the function."""
    if plan.template == "steps":
        return [
            Step("prepare", "Prepare"),
            Step("notify", "Notify", ({"step": "prepare"},)),
            Step("remind", "Remind", ({"step": "prepare", "wait": "10s"},)),
            Step("report", "Report", ({"steps": ["notify", "remind"]},)),
        ]
    if plan.template == "wait-for-event":
        waiting = {"event": awaited(plan), "match": "async.data.id == event.data.id", "ttl": "1m"}
        return [
            Step("welcome", "Welcome"),
            Step("thank", "Thank", ({"step": "welcome", "async": waiting},)),
            Step("remind", "Remind", ({"step": "welcome", "async": {**waiting, "onTimeout": True}},)),
        ]
    return [Step(ONLY_STEP, plan.name)]


def awaited(plan: Plan) -> str:
    """The event that the template waits for: `user/confirmed` after `user/signed.up`."""
    if plan.event is None:
        raise Problem("the template wait-for-event needs an event that starts the function", "--event names one")
    group, slash, _ = plan.event.partition("/")
    return f"{group}{slash}confirmed" if slash else f"{plan.event}.confirmed"


def folder_of(step: Step) -> str:
    """The step's folder, seen from the function's and with a slash at its end; "" is the function's own."""
    return "" if step.id == ONLY_STEP else f"steps/{step.id}/"


def steps_json(plan: Plan, steps: list[Step]) -> dict[str, Any]:
    """`steps` of the definition; empty where the folder says all there is to say."""
    if plan.template == "plain" and plan.runtime in ("typescript", "docker"):
        return {}
    found: dict[str, Any] = {}
    for step in steps:
        folder = folder_of(step)
        path = {} if plan.language == HTTP or not folder else {"path": f"file://./{folder.rstrip('/')}"}
        after = {"after": list(step.after)} if step.after else {}
        found[step.id] = {"id": step.id, "name": step.name, **path, "runtime": _runtime(plan), **after}
    return found


def _runtime(plan: Plan) -> dict[str, str]:
    if plan.language == HTTP:
        return {"type": HTTP, "url": plan.url or ""}
    if plan.runtime == "wasm":
        return {"type": "wasm", "module": MODULE, "build": _BUILDS[plan.language]}
    return {"type": plan.runtime}
