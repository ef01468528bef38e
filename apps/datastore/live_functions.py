"""Live functions by their ids, for those who invoke them."""

from collections.abc import Collection
from typing import NamedTuple

from django.db import connection


class LiveFunction(NamedTuple):
    """A function, and the version that a new run is pinned to."""

    function_id: int
    version_id: int


def find_live(asked: Collection[tuple[int, str]]) -> dict[tuple[int, str], LiveFunction]:
    """For each (environment, id of a function) the live function, if there is one. One statement."""
    if not asked:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT f.environment_id, f.slug, f.id, f.live_version_id"
            " FROM unnest(%b::bigint[], %b::text[]) AS asked (environment_id, slug), LATERAL ("
            "SELECT * FROM datastore_function AS function WHERE function.environment_id = asked.environment_id"
            " AND function.slug = asked.slug AND function.live_version_id IS NOT NULL LIMIT 1) AS f",
            ([environment for environment, _ in asked], [slug for _, slug in asked]),
        )
        return {(row[0], row[1]): LiveFunction(row[2], row[3]) for row in cursor.fetchall()}
