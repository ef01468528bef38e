"""The files that steps run with: what a claim's steps lack is read for all of them at once."""

import hashlib
from collections.abc import Collection, Mapping
from functools import lru_cache

from apps.datastore.code_cache import read_code
from apps.datastore.definition.types import Step
from apps.datastore.manifest import to_json
from apps.datastore.versions import Version, load_version
from apps.executor.finished import UNREADABLE
from drivers.contract import Bundle
from drivers.registry import needs_files


class CodeMissing(Exception):
    """A file of a version is neither on this machine nor in the database."""


def read_files(steps: Collection[tuple[int, str]]) -> dict[str, bytes]:
    """What the files of these steps hold, by digest, each step given by its version and its id. In at most one
    statement. What is nowhere, or of a version that cannot be read, is not in the answer."""
    entries = {
        entry.digest: entry
        for version_id in {version_id for version_id, step_id in steps if _has_files(version_id, step_id)}
        for entry in load_version(version_id).manifest.values()
    }
    return read_code(entries.values()) if entries else {}


def bundle_of(version: Version, step: Step, contents: Mapping[str, bytes]) -> Bundle | None:
    """What the step's driver gets, of what `read_files` has read; None where it needs none. Raises CodeMissing."""
    if not needs_files(step.runtime.type):
        return None
    files = {}
    for path, entry in version.manifest.items():
        content = contents.get(entry.digest)
        if content is None:
            raise CodeMissing(
                f"{path} of version {version.number}: its content, sha256 {entry.digest}, is neither on this machine "
                "nor in the database"
            )
        files[path] = content
    return Bundle(key=_key(version.id), files=files, root=step.path)


def _has_files(version_id: int, step_id: str) -> bool:
    try:
        step = load_version(version_id).definition.steps.get(step_id)
    except UNREADABLE:
        return False  # its items are told apart when they are loaded
    return step is not None and needs_files(step.runtime.type)


@lru_cache(maxsize=10_000)
def _key(version_id: int) -> str:
    """Versions of the same files have the same one."""
    return hashlib.sha256(to_json(load_version(version_id).manifest).encode()).hexdigest()
