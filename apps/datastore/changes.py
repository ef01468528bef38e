"""What a deploy, a rollback or another move of live pointers did to each function."""

from typing import Literal, NamedTuple

from apps.datastore.definition.types import FunctionDefinition
from apps.datastore.manifest import Manifest
from apps.datastore.models import Deploy

Kind = Literal["new", "changed", "restored", "unchanged", "archived"]


class FileChanges(NamedTuple):
    """Paths of files, against the version that was live."""

    added: list[str]
    changed: list[str]
    removed: list[str]


class Change(NamedTuple):
    """A function in a deploy."""

    function_id: str
    definition: FunctionDefinition
    """Of the version that is told; of an archived function, of the one that was live."""
    kind: Kind
    """new: it had no version. changed: a version is made. restored: one that was there goes live again. unchanged: it
    is live already or, where nothing goes live, there already. archived: nothing starts it any more."""
    version: int | None
    """Its number; in a dry run the one that it would get. None of an archived function."""
    was: int | None
    """The number of what was live before; None if nothing was."""
    is_live: bool
    """Whether the version is what events start now."""
    files: FileChanges
    definition_changed: bool


class Deployed(NamedTuple):
    """What a deploy did."""

    deploy: Deploy | None
    """None if it changed nothing, or was a dry run."""
    base: int
    """The number of the environment's last deploy."""
    changes: list[Change]
    """In the order in which the functions were given."""


def file_changes(old: Manifest, new: Manifest) -> FileChanges:
    """From one version's files to another's."""
    return FileChanges(
        added=[path for path in new if path not in old],
        changed=[path for path in new if path in old and old[path].digest != new[path].digest],
        removed=[path for path in old if path not in new],
    )
