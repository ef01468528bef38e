"""How two versions of a function differ: their definitions, and file by file."""

from typing import Literal

import msgspec

from apps.core_api.answers import Answer
from apps.core_api.diffs import Differ, pretty
from apps.datastore import manifest as manifests
from apps.datastore.blobs import read_blobs
from apps.datastore.changes import file_changes
from apps.datastore.models import FunctionVersion

DEFINITION = "definition.json"


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
    """What the one has and the other has not. Its work is bounded, whatever they hold."""
    differ = Differ()
    names = (f"v{old.number}" if old else "v0", f"v{new.number}")
    return VersionsDiff(
        from_version=old.number if old else None,
        to_version=new.number,
        definition=_definitions(differ, old, new, names),
        files=_files(differ, old, new, names),
    )


def _definitions(
    differ: Differ, old: FunctionVersion | None, new: FunctionVersion, names: tuple[str, str]
) -> str | None:
    if not differ.may_compare(len(new.definition) + (len(old.definition) if old else 0)):
        return None
    before = pretty(old.definition) if old else None
    return differ.diff(before, pretty(new.definition), f"{names[0]}/{DEFINITION}", f"{names[1]}/{DEFINITION}")


def _files(differ: Differ, old: FunctionVersion | None, new: FunctionVersion, names: tuple[str, str]) -> list[FileDiff]:
    before, after = manifests.from_json(old.manifest) if old else {}, manifests.from_json(new.manifest)
    changes = file_changes(before, after)
    kinds: dict[str, Literal["added", "changed", "removed"]] = {
        **dict.fromkeys(changes.added, "added"),
        **dict.fromkeys(changes.changed, "changed"),
        **dict.fromkeys(changes.removed, "removed"),
    }
    sides = {path: (before.get(path), after.get(path)) for path in sorted(kinds)}
    compared = {
        path: entries
        for path, entries in sides.items()
        if differ.may_compare(sum(entry.size for entry in entries if entry is not None))
    }
    contents = read_blobs({entry.digest for entries in compared.values() for entry in entries if entry is not None})

    def diff(path: str) -> str | None:
        if path not in compared:
            return None
        texts = [None if entry is None else contents.get(entry.digest) for entry in compared[path]]
        lost = any(entry is not None and entry.digest not in contents for entry in compared[path])
        return None if lost else differ.diff(texts[0], texts[1], f"{names[0]}/{path}", f"{names[1]}/{path}")

    return [FileDiff(path=path, change=kinds[path], diff=diff(path)) for path in sides]
