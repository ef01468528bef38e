"""Blobs: what files hold, by their digests, stored once whoever deploys them."""

import hashlib
import logging
from collections.abc import Collection, Iterator, Mapping

from django.db import connection
from psycopg.pq import Format

log = logging.getLogger(__name__)

_STATEMENT_BYTES = 8 * 1024 * 1024
_STATEMENT_ROWS = 500


def digest_of_content(content: bytes) -> str:
    """SHA-256 in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def read_blobs(digests: Collection[str]) -> dict[str, bytes]:
    """Their contents, in one statement. One that is not there, or is not what its digest says, is not in the answer."""
    found: dict[str, bytes] = {}
    # An array and no list: a parameter for each would be another statement for each number, up to a limit of 65,535.
    with connection.cursor() as cursor:
        cursor.cursor.format = Format.BINARY  # as text the contents would come in hexadecimal, twice as long
        cursor.execute("SELECT digest, content FROM datastore_blob WHERE digest = ANY (%b::text[])", (list(digests),))
        for digest, content in cursor:
            if digest_of_content(content) == digest:
                found[digest] = content
            else:
                log.error("blob %s is not what its digest says", digest)
    return found


def store_blobs(contents: Mapping[str, bytes]) -> None:
    """Keep these contents, by digest; those that are there are not sent again.

    In the order of their digests, so that two deploys of the same files wait for each other and do not lock up.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT digest FROM datastore_blob WHERE digest = ANY (%b::text[])", (list(contents),))
        there = {digest for (digest,) in cursor}
        for digests in _statements({digest: contents[digest] for digest in sorted(contents) if digest not in there}):
            cursor.execute(
                "INSERT INTO datastore_blob (digest, content, created_at)"
                " SELECT digest, content, now() FROM unnest(%b::text[], %b::bytea[]) AS blob (digest, content)"
                " ORDER BY digest ON CONFLICT DO NOTHING",
                (digests, [contents[digest] for digest in digests]),
            )


def _statements(contents: Mapping[str, bytes]) -> Iterator[list[str]]:
    """The digests, as many together as one statement should carry."""
    digests: list[str] = []
    size = 0
    for digest, content in contents.items():
        if digests and (size + len(content) > _STATEMENT_BYTES or len(digests) == _STATEMENT_ROWS):
            yield digests
            digests, size = [], 0
        digests.append(digest)
        size += len(content)
    if digests:
        yield digests
