"""The functions of these tests, as files: what a person would deploy."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

ATTEMPTS = 4

GRAPHS: Mapping[str, Mapping[str, Sequence[str]]] = {
    "one": {"only": ()},
    "chain": {"first": (), "second": ("first",), "third": ("second",)},
    "graph": {"root": (), "left": ("root",), "right": ("root",), "leaf": ("left",)},
}
"""Functions by name; their steps, each with the steps that it follows. `test/<name>` triggers them."""


def event_of(function: str) -> str:
    return f"test/{function}"


def write_functions(folder: Path, url: str) -> None:
    """A folder for each function, all of whose steps call `url`."""
    for name, graph in GRAPHS.items():
        steps = {
            step: {
                "id": step,
                "name": step,
                "runtime": {"type": "http", "url": url},
                "after": [{"step": before} for before in follows or ["$trigger"]],
                "retries": {"attempts": ATTEMPTS},
                "timeout": "60s",
            }
            for step, follows in graph.items()
        }
        document = {"id": name, "name": name, "triggers": [{"event": event_of(name)}], "steps": steps}
        (folder / name).mkdir(parents=True)
        (folder / name / "inngest.json").write_text(json.dumps(document))
