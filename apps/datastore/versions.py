"""Versions as the hot path reads them. They never change, so a process reads each once."""

from collections.abc import Collection
from typing import NamedTuple

import msgspec

from apps.datastore import manifest
from apps.datastore.definition.types import FunctionDefinition, from_json
from apps.datastore.manifest import Manifest
from apps.datastore.models import FunctionVersion
from drivers.weighted_cache import ENTRY, WeightedCache

KEPT = 5_000
KEPT_BYTES = 32 * 1024 * 1024
"""Versions that a process keeps, and how much JSON they were in all (decoded it is several times as much). Beyond
either, those that were used least recently are read again when they are needed."""


class Version(NamedTuple):
    """One version of a function, decoded."""

    id: int
    number: int
    environment: str
    """The environment's slug."""
    owner: str
    """The environment's public id."""
    definition: FunctionDefinition
    manifest: Manifest
    """Its files; `code_cache` has what they hold."""
    folder: str


_kept = WeightedCache[int, Version](lambda: KEPT_BYTES)


def load_version(version_id: int) -> Version:
    """The version with this id. Raises FunctionVersion.DoesNotExist, or msgspec.DecodeError if it cannot be read."""
    version = _kept.get(version_id)
    return version or _decode(FunctionVersion.objects.select_related("function__environment").get(pk=version_id))


def load_versions(version_ids: Collection[int]) -> None:
    """Read those that this process does not have yet, in one statement. One that cannot be read is passed over:
    `load_version` says why."""
    missing = [version_id for version_id in version_ids if version_id not in _kept]
    if len(missing) < 2:
        return  # one is read as well by itself
    for row in FunctionVersion.objects.select_related("function__environment").filter(pk__in=missing):
        try:
            _decode(row)
        except msgspec.DecodeError:
            continue


def _decode(row: FunctionVersion) -> Version:
    """The version, which is kept from now on."""
    version = Version(
        id=row.pk,
        number=row.number,
        environment=row.function.environment.slug,
        owner=str(row.function.environment.public_id),
        definition=from_json(row.definition),
        manifest=manifest.from_json(row.manifest),
        folder=row.folder,
    )
    _kept.put(row.pk, version, max(len(row.definition) + len(row.manifest), KEPT_BYTES // KEPT - ENTRY))
    return version
