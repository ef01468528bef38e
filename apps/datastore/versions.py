"""Versions as the hot path reads them. They never change, so a process reads each once."""

from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

import msgspec

from apps.datastore.definition.types import FunctionDefinition, from_json
from apps.datastore.models import FunctionVersion


class Version(NamedTuple):
    """One version of a function, decoded."""

    id: int
    number: int
    environment: str
    """The environment's slug."""
    definition: FunctionDefinition
    files: Mapping[str, str]
    folder: str


@lru_cache(maxsize=1_000)
def load_version(version_id: int) -> Version:
    """The version with this id. Raises FunctionVersion.DoesNotExist."""
    row = FunctionVersion.objects.select_related("function__environment").get(pk=version_id)
    return Version(
        id=row.pk,
        number=row.number,
        environment=row.function.environment.slug,
        definition=from_json(row.definition),
        files=msgspec.json.decode(row.files, type=dict[str, str]),
        folder=row.folder,
    )
