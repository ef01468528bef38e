"""The README.md of a new function."""

import re
from collections.abc import Iterable

from apps.cli.scaffold.plan import Plan
from apps.cli.scaffold.steps import MODULE, awaited
from apps.cli.scaffold.template_files import render

_SAID = {
    "inngest.json": "what starts the function, and its steps",
    "event.json": "an event to try it with",
    "types.ts": "the event's types; `inngest types typescript` makes them from the schema",
    "event_types.py": "the event's types; `inngest types python` makes them from the schema",
    "Dockerfile": "what it runs in",
    "Cargo.toml": "the package, and what it depends on",
    "go.mod": "the module, and what it depends on",
    "index.ts": "the code",
    "main.py": "the code",
    "main.go": "the code",
    "main.rs": "the code",
}
_SHOWN = ("README.md", ".gitignore", ".dockerignore", "config.toml")


def readme(plan: Plan, files: Iterable[str]) -> str:
    """In Markdown. `files` are the paths of the others."""
    rows = [f"| `{path}` | {said} |\n" for path in files if (said := describe(path))]
    values = {
        "title": re.sub(r"([\\`*_\[\]<>#|])", r"\\\1", plan.name),
        "start": f"`{plan.event}`" if plan.event else f"the cron `{plan.cron}`",
        "send": "$ inngest events send --file event.json   # sends it there" if plan.event else "",
        "notes": "".join(f"\n{note}\n" for note in _notes(plan)),
        "files": "".join(rows),
    }
    return render("function/README.md", values).replace("```console\n\n", "```console\n").replace("\n\n$ ", "\n$ ")


def describe(path: str) -> str:
    """What the file is for, in a few words; "" for what needs none."""
    name = path.rpartition("/")[2]
    if path.startswith("events/"):
        return "the schema of the event, a JSON Schema"
    said = "" if name in _SHOWN else _SAID.get(name, "")
    step = re.match(r"steps/([^/]+)/", path)
    return f"{said} of the step {step[1]}" if step and said == "the code" else said


def _notes(plan: Plan) -> list[str]:
    notes: list[str] = []
    if plan.language == "http":
        notes.append(f"Each step is a `POST` of the event to {plan.url}, whose answer is the step's output.")
    if plan.runtime == "docker":
        notes.append("Each step runs in a container, so a Docker engine is needed, here and on the server.")
    if plan.runtime == "wasm":
        target = ", for which `rustup target add wasm32-wasip1` installs the target" if plan.language == "rust" else ""
        notes.append(f"`inngest` builds `{MODULE}` with the `build` command in `inngest.json`{target}.")
    if plan.template == "wait-for-event":
        send = f'$ inngest events send {awaited(plan)} --data \'{{"id": "test-1"}}\''
        notes.append(
            "After `welcome` the function waits for a minute. An event with the same `data.id` leads to `thank`,"
            f" and none to `remind`:\n\n```console\n{send}\n```"
        )
    return notes
