"""Archives that are deployed: their files, and the functions among these. Nothing is ever written to disk."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from apps.core_api.archive_contents import ArchiveLimits
from apps.core_api.tar_archives import read_tar
from apps.core_api.unpacked_bytes import gunzipped, plain
from apps.core_api.zip_archives import read_zip
from apps.datastore.definition.folder import DEFINITIONS

Read = Callable[[bytes, ArchiveLimits], Mapping[str, bytes]]


class FoundFunction(NamedTuple):
    """A folder of an archive that holds a definition."""

    folder: str
    """Its path in the archive; "" for the archive as a whole."""
    files: dict[str, bytes]
    """By path in the folder; the definition is one of them."""


def _read_tar_gz(body: bytes, limits: ArchiveLimits) -> Mapping[str, bytes]:
    return read_tar(gunzipped(body), limits)


def _read_tar(body: bytes, limits: ArchiveLimits) -> Mapping[str, bytes]:
    return read_tar(plain(body), limits)


READERS: Mapping[str, Read] = {
    "application/gzip": _read_tar_gz,
    "application/x-gzip": _read_tar_gz,
    "application/x-tar": _read_tar,
    "application/zip": read_zip,
    "application/x-zip-compressed": read_zip,
}
"""By content type: what is in an archive, by path. Raises InvalidDefinition with every fault, each with its entry."""


def functions_in(files: Mapping[str, bytes]) -> list[FoundFunction]:
    """The functions, by their folders. What lies inside a function is part of it; the rest is left out."""
    folders = {folder for folder, name in map(_split, files) if name in DEFINITIONS}
    found: dict[str, dict[str, bytes]] = {}
    for path, content in files.items():
        folder = _outermost(path, folders)
        if folder is not None:
            found.setdefault(folder, {})[path[len(folder) + 1 :] if folder else path] = content
    return [FoundFunction(folder, found[folder]) for folder in sorted(found)]


def _split(path: str) -> tuple[str, str]:
    folder, _, name = path.rpartition("/")
    return folder, name


def _outermost(path: str, folders: set[str]) -> str | None:
    if "" in folders:
        return ""
    position = path.find("/")
    while position >= 0:
        if path[:position] in folders:
            return path[:position]
        position = path.find("/", position + 1)
    return None
