"""Which live versions an event starts."""

from collections.abc import Collection
from typing import NamedTuple

from django.db import connection


class Start(NamedTuple):
    """A function that an event starts, and the version that is live now."""

    function_id: int
    version_id: int


def find_starts(events: Collection[tuple[int, str]]) -> dict[tuple[int, str], list[Start]]:
    """For each (environment, event name), what it starts. One statement however many; called by the runner."""
    starts: dict[tuple[int, str], list[Start]] = {}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT t.environment_id, t.event_name, t.function_id, t.version_id FROM datastore_eventtrigger AS t"
            " JOIN unnest(%b::bigint[], %b::text[]) AS e (environment_id, event_name)"
            "   ON t.environment_id = e.environment_id AND t.event_name = e.event_name"
            " ORDER BY t.function_id",
            ([environment for environment, _ in events], [name for _, name in events]),
        )
        for environment_id, name, function_id, version_id in cursor.fetchall():
            starts.setdefault((environment_id, name), []).append(Start(function_id, version_id))
    return starts
