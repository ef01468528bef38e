"""Versions as the hot path reads them. They never change, so a process reads each once."""

import threading
from collections.abc import Collection, Mapping
from typing import NamedTuple

import msgspec

from apps.datastore.definition.types import FunctionDefinition, from_json
from apps.datastore.models import FunctionVersion

KEPT = 5_000
"""Versions that a process keeps; beyond it the ones that were read first are read again when they are needed."""


class Version(NamedTuple):
    """One version of a function, decoded."""

    id: int
    number: int
    environment: str
    """The environment's slug."""
    definition: FunctionDefinition
    files: Mapping[str, str]
    folder: str


_kept: dict[int, Version] = {}
_guard = threading.Lock()


def load_version(version_id: int) -> Version:
    """The version with this id. Raises FunctionVersion.DoesNotExist, or msgspec.DecodeError if it cannot be read."""
    version = _kept.get(version_id)
    if version is None:
        version = _decode(FunctionVersion.objects.select_related("function__environment").get(pk=version_id))
        _keep([version])
    return version


def load_versions(version_ids: Collection[int]) -> None:
    """Read those that this process does not have yet, in one statement. One that cannot be read is passed over:
    `load_version` says why."""
    missing = [version_id for version_id in version_ids if version_id not in _kept]
    if len(missing) < 2:
        return  # one is read as well by itself
    read = []
    for row in FunctionVersion.objects.select_related("function__environment").filter(pk__in=missing):
        try:
            read.append(_decode(row))
        except msgspec.DecodeError:
            continue
    _keep(read)


def _decode(row: FunctionVersion) -> Version:
    return Version(
        id=row.pk,
        number=row.number,
        environment=row.function.environment.slug,
        definition=from_json(row.definition),
        files=msgspec.json.decode(row.files, type=dict[str, str]),
        folder=row.folder,
    )


def _keep(versions: Collection[Version]) -> None:
    with _guard:
        _kept.update((version.id, version) for version in versions)
        while len(_kept) > KEPT:
            del _kept[next(iter(_kept))]
