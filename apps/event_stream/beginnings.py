"""What events say, as far as a person reads it."""

from collections.abc import Sequence

import msgspec
from django.db import connection

from apps.event_stream.consuming import StreamEvent

_BEGINNINGS = """
SELECT event.seq, substr(event.payload, asked.first, %s::integer)
FROM unnest(%b::bigint[], %b::integer[]) AS asked (seq, first),
     LATERAL (SELECT seq, payload FROM event_stream_event WHERE seq = asked.seq LIMIT 1) AS event
"""


def beginnings_of_data(events: Sequence[StreamEvent], most: int) -> dict[int, str]:
    """The first `most` characters of each event's payload from its data on, by the events' numbers."""
    if not events:
        return {}
    # A payload begins as `make_event` writes it; counted as PostgreSQL does, from 1.
    firsts = [len(f'{{"name":{msgspec.json.encode(event.name).decode()},"data":') + 1 for event in events]
    with connection.cursor() as cursor:
        cursor.execute(_BEGINNINGS, (most, [event.seq for event in events], firsts))
        return dict(cursor.fetchall())
