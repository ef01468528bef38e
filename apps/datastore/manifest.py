"""What a version holds of its files: for each path the digest of the content, which is a blob, and its size."""

from collections.abc import Mapping

import msgspec

from apps.datastore.blobs import digest_of_content


class FileEntry(msgspec.Struct, frozen=True):
    """A file of a version."""

    digest: str
    size: int
    """Bytes."""


Manifest = Mapping[str, FileEntry]


def manifest_of(files: Mapping[str, bytes]) -> dict[str, FileEntry]:
    """Of a function's own files, by path."""
    return {path: FileEntry(digest_of_content(content), len(content)) for path, content in sorted(files.items())}


def to_json(manifest: Manifest) -> str:
    return msgspec.json.encode(manifest).decode()


def from_json(text: str) -> dict[str, FileEntry]:
    """Read what `to_json` wrote; msgspec.DecodeError if it is anything else."""
    return _decoder.decode(text)


_decoder = msgspec.json.Decoder(dict[str, FileEntry])
