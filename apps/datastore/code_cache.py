"""Code by digest, from the nearest place that has it: this process's memory, the machine's disk, the database."""

from collections.abc import Collection
from functools import lru_cache

from django.conf import settings

from apps.datastore.blobs import read_blobs
from apps.datastore.code_files import CodeFiles
from apps.datastore.manifest import FileEntry
from drivers.cache_folder import private_folder
from drivers.weighted_cache import WeightedCache

_memory = WeightedCache[str, bytes](lambda: settings.CODE_MEMORY_MAX_BYTES)


def read_code(entries: Collection[FileEntry]) -> dict[str, bytes]:
    """The contents by digest, each checked; in one statement for all that this machine lacks, none if it lacks nothing.

    What is nowhere is not in the answer. Called by the executor, in the thread that may use the database.
    """
    found: dict[str, bytes] = {}
    missing: dict[str, int] = {}
    for entry in entries:
        content = _memory.get(entry.digest)
        if content is None:
            missing[entry.digest] = entry.size
        else:
            found[entry.digest] = content
    if missing:
        read = _read_from_disk(missing)
        read |= _fetch([digest for digest in missing if digest not in read])
        for digest, content in read.items():
            _memory.put(digest, content, len(content))
        found |= read
    return found


def _read_from_disk(sizes: dict[str, int]) -> dict[str, bytes]:
    files = _files()
    if files is None:
        return {}
    read = ((digest, files.read(digest, size)) for digest, size in sizes.items())
    return {digest: content for digest, content in read if content is not None}


def _fetch(digests: Collection[str]) -> dict[str, bytes]:
    fetched = read_blobs(digests) if digests else {}
    files = _files()
    if files is not None:
        for digest, content in fetched.items():
            files.write(digest, content)
    return fetched


@lru_cache(maxsize=1)
def _files() -> CodeFiles | None:
    folder = private_folder("code")
    return None if folder is None else CodeFiles(folder, lambda: settings.CODE_CACHE_MAX_BYTES)
