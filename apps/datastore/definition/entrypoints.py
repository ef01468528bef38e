"""Which scripts a document's steps begin with, as far as it can be read: it may be wrong in any way."""

from collections.abc import Collection, Iterator
from posixpath import join, normpath

from apps.datastore.definition.faults import FaultLog
from apps.datastore.definition.places import parse_folder
from apps.datastore.definition.runtimes import parse_runtime
from apps.datastore.definition.single_step import single_step
from apps.datastore.definition.steps import MAX_STEPS


def entrypoints(document: object, files: Collection[str]) -> list[str]:
    """Paths of files that are there, each once, in the order of the steps."""
    return list(dict.fromkeys(_entrypoints(document, files)))


def _entrypoints(document: object, files: Collection[str]) -> Iterator[str]:
    steps = document.get("steps", {}) if isinstance(document, dict) else {}
    # What is wrong is in the log of the check itself.
    log = FaultLog()
    if not isinstance(steps, dict) or len(steps) > MAX_STEPS:
        return
    if not steps:
        for step in single_step("", "$", log, files).values():
            yield str(step.runtime.options["entrypoint"])
    for step in steps.values():
        if not isinstance(step, dict) or not isinstance(step.get("runtime"), dict):
            continue
        folder = parse_folder(step.get("path", "file://."), "$", log)
        runtime = parse_runtime(step["runtime"], "$", log, folder, files)
        if runtime is not None and runtime.type == "typescript":
            yield normpath(join(folder or "", str(runtime.options["entrypoint"])))
