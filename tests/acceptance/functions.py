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


ANSWER = {"event": "test/answer", "match": "async.data.n == event.data.n"}
SEQUENCE: Mapping[str, Sequence[Mapping[str, object]]] = {
    "ask": [{"if": "event.data.n >= 0"}],
    "never": [{"step": "ask", "if": "response == 'something else'"}],
    "pause": [{"step": "ask", "wait": "1s"}],
    "thank": [{"step": "ask", "async": {**ANSWER, "ttl": "1h"}}],
    "nag": [{"step": "ask", "async": {**ANSWER, "ttl": "1h", "onTimeout": True}}],
    "hurry": [{"step": "ask", "async": {"event": "test/nothing", "ttl": "2s", "onTimeout": True}}],
    "end": [{"steps": ["pause", "thank", "hurry"]}],
}
"""Function `sequence`: the edges to its steps. `test/cancel` with its `n` cancels it."""


def event_of(function: str) -> str:
    return f"test/{function}"


def write_functions(folder: Path, url: str) -> None:
    """A folder for each function, all of whose steps call `url`."""
    for name, graph in GRAPHS.items():
        plain = {step: [{"step": before} for before in follows or ["$trigger"]] for step, follows in graph.items()}
        _write(folder / name, url, plain, {})
    cancel = [{"event": "test/cancel", "if": "async.data.n == event.data.n"}]
    _write(folder / "sequence", url, SEQUENCE, {"cancel": cancel})


def _write(
    folder: Path, url: str, after: Mapping[str, Sequence[Mapping[str, object]]], fields: Mapping[str, object]
) -> None:
    steps = {
        step: {
            "id": step,
            "name": step,
            "runtime": {"type": "http", "url": url},
            "after": edges,
            "retries": {"attempts": ATTEMPTS},
            "timeout": "60s",
        }
        for step, edges in after.items()
    }
    name = folder.name
    document = {"id": name, "name": name, "triggers": [{"event": event_of(name)}], "steps": steps, **fields}
    folder.mkdir(parents=True)
    (folder / "inngest.json").write_text(json.dumps(document))
