"""The files of a new function, from its plan."""

import json
import re
from collections.abc import Iterator
from typing import Any

from apps.cli.event_types.module import Language, module
from apps.cli.scaffold.events import SCHEDULED, schema_of, schema_path, test_event
from apps.cli.scaffold.plan import Plan
from apps.cli.scaffold.readme import readme
from apps.cli.scaffold.steps import Step, folder_of, steps_json, steps_of
from apps.cli.scaffold.template_files import render

_TEMPLATES = {
    "typescript": ("typescript/index.ts",),
    "python": ("python/main.py", "python/Dockerfile"),
    "go": ("go/main.go", "go/go.mod"),
    "rust": ("rust/src/main.rs", "rust/Cargo.toml", "rust/cargo/config.toml"),
}
_DOCKERFILES = {"go": "go-docker/Dockerfile", "rust": "rust-docker/Dockerfile"}
_IGNORED = {
    "typescript": ["node_modules/"],
    "python": [".venv/", "__pycache__/"],
    "rust": [".target/"],
}


def files_of(plan: Plan) -> dict[str, str]:
    """Contents by path, seen from the function's folder. Raises Problem if the template does not fit."""
    steps = steps_of(plan)
    files = {"inngest.json": _json(_definition(plan, steps))}
    if plan.event is not None:
        files[schema_path(plan.event)] = _json(schema_of(plan.event))
    files["event.json"] = _json(test_event(plan))
    if plan.language in _TEMPLATES:
        files |= _types(plan, steps)
        for step in steps:
            files |= dict(_code(plan, step))
    ignored = [*_IGNORED.get(plan.language, []), *(["*.wasm"] if plan.runtime == "wasm" else [])]
    files[".gitignore"] = render("function/gitignore", {"ignored": "\n".join(ignored)}).rstrip() + "\n"
    if plan.runtime == "docker" and plan.template == "plain":
        files[".dockerignore"] = render("function/dockerignore", {})
    return files | {"README.md": readme(plan, files)}


def _definition(plan: Plan, steps: list[Step]) -> dict[str, Any]:
    trigger: dict[str, Any] = {"cron": plan.cron}
    if plan.event is not None:
        definition = {"format": "json-schema", "def": f"file://./{schema_path(plan.event)}"}
        trigger = {"event": plan.event, "definition": definition}
    written = steps_json(plan, steps)
    return {"id": plan.id, "name": plan.name, "triggers": [trigger], **({"steps": written} if written else {})}


def _code(plan: Plan, step: Step) -> Iterator[tuple[str, str]]:
    folder = folder_of(step)
    values = {
        "id": plan.id,
        "step": step.id if folder else plan.id,
        "types": "../../types" if folder else "./types",
        "field": plan.field,
        "Field": "ID" if plan.field == "id" else "Cron",
    }
    names = list(_TEMPLATES[plan.language])
    if plan.runtime == "docker" and plan.language in _DOCKERFILES:
        names.append(_DOCKERFILES[plan.language])
    for name in names:
        inner = re.sub("^cargo/", ".cargo/", name.partition("/")[2])
        yield folder + inner, render(name, values)


def _types(plan: Plan, steps: list[Step]) -> dict[str, str]:
    """By the generator of `inngest types`."""
    event = plan.event or SCHEDULED
    events: dict[str, object] = {event: None if plan.event is None else schema_of(event)}
    if plan.language == "typescript":
        return {"types.ts": module(Language.TYPESCRIPT, events)}
    if plan.language == "python":
        # In each step's folder: an image is built from that alone.
        text = module(Language.PYTHON, events)
        return {f"{folder_of(step)}event_types.py": text for step in steps}
    return {}


def _json(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"
