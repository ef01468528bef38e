"""A right document, and what the tests of wrong ones share."""

from collections.abc import Mapping
from typing import Any

import pytest

from apps.datastore.definition import InvalidDefinition, parse

FILES = {"index.ts": b"", "steps/compose/index.ts": b"", "steps/plain/index.js": b"", "steps/odd/main.ts": b""}
HTTP = {"type": "http", "url": "https://example.com/hook"}
TYPESCRIPT = {"type": "typescript"}


def document(**changes: object) -> dict[str, Any]:
    return {"id": "post-signup", "name": "Post-signup", "triggers": [{"event": "user/signed.up"}], **changes}


def with_step(**step: object) -> dict[str, Any]:
    """A document whose only step, `a`, is an http one with these changes."""
    return document(steps={"a": {"id": "a", "runtime": HTTP, **step}})


def with_edge(**edge: object) -> dict[str, Any]:
    """A document in which step `b` comes after this edge."""
    return document(steps={"a": {"runtime": HTTP}, "b": {"runtime": HTTP, "after": [edge]}})


def with_graph(edges: Mapping[str, list[str] | None]) -> dict[str, Any]:
    """A document of http steps, each after those that are named for it."""
    after = {
        name: {} if found is None else {"after": [{"step": step} for step in found]} for name, found in edges.items()
    }
    return document(steps={name: {"runtime": HTTP, **found} for name, found in after.items()})


def faults_of(found: object, files: Mapping[str, bytes] = FILES) -> dict[str, str]:
    """The messages by path; the test fails if the document is accepted or a path is there twice."""
    with pytest.raises(InvalidDefinition) as caught:
        parse(found, files)
    faults = caught.value.faults
    assert faults, "a refusal must say why"
    by_path = {fault.path: fault.message for fault in faults}
    assert len(by_path) == len(faults), faults
    return by_path
