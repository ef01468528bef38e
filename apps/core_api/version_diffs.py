"""How two versions of a function differ: their definitions, and file by file."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Literal, NamedTuple

import msgspec
from django.db import connection
from rest_framework.exceptions import APIException

from apps.core_api.answers import Answer
from apps.core_api.diffs import Differ, pretty
from apps.datastore import manifest as manifests
from apps.datastore.blobs import read_blobs
from apps.datastore.changes import file_changes
from apps.datastore.manifest import Manifest
from apps.datastore.models import FunctionVersion

DEFINITION = "definition.json"
TURN_SECONDS = 2.0
"""How long a request waits for those before it."""

_free = threading.BoundedSemaphore(1)


class Busy(APIException):
    status_code = HTTPStatus.SERVICE_UNAVAILABLE
    default_detail = "Too many versions are compared; try again in a few seconds"
    wait = 2
    """Seconds, as `Retry-After` says."""


class FileDiff(msgspec.Struct, kw_only=True):
    path: str
    change: Literal["added", "changed", "removed"]
    diff: str | None
    """Unified; None of a file that is not text, or is too large to be compared here."""


class VersionsDiff(msgspec.Struct, kw_only=True):
    from_version: int | None = msgspec.field(name="from")
    """None: against nothing."""
    to_version: int = msgspec.field(name="to")
    definition: str | None
    """Unified diff of the definitions as JSON; "" if they are the same, None if they are too large."""
    files: list[FileDiff]
    """By path; those that differ."""


class VersionsDiffAnswer(Answer):
    data: VersionsDiff


def diff_versions(old: FunctionVersion | None, new: FunctionVersion) -> VersionsDiff:
    """What the one has and the other has not. Its work is bounded, whatever they hold. Raises Busy."""
    differ = Differ()
    definitions = _definitions(differ, old, new)
    before, after = manifests.from_json(old.manifest) if old else {}, manifests.from_json(new.manifest)
    texts = _texts(differ, before, after)
    if not connection.in_atomic_block:
        connection.close()  # whoever waits and compares is not to hold what other requests wait for
    old_name, new_name = (f"v{old.number}" if old else "v0", f"v{new.number}")

    def diff(path: str, both: Texts | None) -> str | None:
        return differ.diff(both.old, both.new, f"{old_name}/{path}", f"{new_name}/{path}") if both else None

    with _turn():
        return VersionsDiff(
            from_version=old.number if old else None,
            to_version=new.number,
            definition=diff(DEFINITION, definitions),
            files=[
                FileDiff(path=path, change=_change(path, before, after), diff=diff(path, both))
                for path, both in texts.items()
            ],
        )


class Texts(NamedTuple):
    """What is compared; None for what is not there."""

    old: bytes | None
    new: bytes | None


@contextmanager
def _turn() -> Iterator[None]:
    """Comparing keeps a processor busy, which other requests need too."""
    if not _free.acquire(timeout=TURN_SECONDS):
        raise Busy
    try:
        yield
    finally:
        _free.release()


def _definitions(differ: Differ, old: FunctionVersion | None, new: FunctionVersion) -> Texts | None:
    """None if they are too large."""
    if not differ.may_compare(len(old.definition) if old else 0, len(new.definition)):
        return None
    before, after = pretty(old.definition) if old else None, pretty(new.definition)
    return None if after is None or (old and before is None) else Texts(before, after)


def _texts(differ: Differ, before: Manifest, after: Manifest) -> dict[str, Texts | None]:
    """Of every file that differs, by path; None for what is too large to be compared, or is lost."""
    changes = file_changes(before, after)
    sides = {
        path: (before.get(path), after.get(path))
        for path in sorted((*changes.added, *changes.changed, *changes.removed))
    }
    compared = {
        path: entries
        for path, entries in sides.items()
        if differ.may_compare(*(entry.size if entry else 0 for entry in entries))
    }
    contents = read_blobs({entry.digest for entries in compared.values() for entry in entries if entry is not None})

    def texts(path: str) -> Texts | None:
        entries = compared.get(path)
        if entries is None or any(entry and entry.digest not in contents for entry in entries):
            return None
        return Texts(*(contents[entry.digest] if entry else None for entry in entries))

    return {path: texts(path) for path in sides}


def _change(path: str, before: Manifest, after: Manifest) -> Literal["added", "changed", "removed"]:
    if path not in before:
        return "added"
    return "changed" if path in after else "removed"
