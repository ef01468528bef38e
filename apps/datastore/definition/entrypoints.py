"""The code that a document's steps begin with, as far as it can be read: it may be wrong in any way."""

from collections.abc import Collection, Iterator
from posixpath import join, normpath
from typing import NamedTuple

from apps.datastore.definition.faults import FaultLog
from apps.datastore.definition.places import parse_folder
from apps.datastore.definition.runtimes import parse_runtime
from apps.datastore.definition.single_step import single_step
from apps.datastore.definition.steps import MAX_STEPS
from apps.datastore.definition.types import Runtime


class Entrypoints(NamedTuple):
    """Paths of files that are there, each once, in the order of the steps."""

    scripts: tuple[str, ...]
    modules: tuple[str, ...]
    """Those of wasm steps."""


def entrypoints(document: object, files: Collection[str]) -> Entrypoints:
    runtimes = list(_runtimes(document, files))
    return Entrypoints(_paths(runtimes, "typescript", "entrypoint"), _paths(runtimes, "wasm", "module"))


def _paths(runtimes: list[tuple[str, Runtime]], kind: str, option: str) -> tuple[str, ...]:
    places = (join(folder, str(one.options[option])) for folder, one in runtimes if one.type == kind)
    return tuple(dict.fromkeys(map(normpath, places)))


def _runtimes(document: object, files: Collection[str]) -> Iterator[tuple[str, Runtime]]:
    """Those that can be read, each with its step's folder."""
    steps = document.get("steps", {}) if isinstance(document, dict) else {}
    # What is wrong is in the log of the check itself.
    log = FaultLog()
    if not isinstance(steps, dict) or len(steps) > MAX_STEPS:
        return
    if not steps:
        for step in single_step("", "$", log, files).values():
            yield "", step.runtime
    for entry in steps.values():
        if not isinstance(entry, dict) or not isinstance(entry.get("runtime"), dict):
            continue
        folder = parse_folder(entry.get("path", "file://."), "$", log)
        runtime = parse_runtime(entry["runtime"], "$", log, folder, files)
        if runtime is not None:
            yield folder or "", runtime
