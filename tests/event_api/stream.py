"""What the stream holds, and its table held still, as the tests look at it."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from django.db import connection

from apps.event_stream.models import Event, InboxEntry


def stored_names() -> list[str]:
    return list(Event.objects.order_by("seq").values_list("name", flat=True))


def stored_payload() -> str:
    return Event.objects.get().payload


def inbox_size() -> int:
    return InboxEntry.objects.count()


def other_connection() -> psycopg.Connection:
    """Beside Django's, so that it can hold a lock, or end the others."""
    target = connection.settings_dict
    return psycopg.connect(
        dbname=target["NAME"],
        user=target["USER"],
        password=target["PASSWORD"],
        host=target["HOST"],
        port=target["PORT"],
    )


@contextmanager
def stream_held() -> Iterator[psycopg.Connection]:
    """Nothing can be stored until the block ends, or the connection that it gives is rolled back."""
    with other_connection() as holder:
        holder.execute("LOCK TABLE event_stream_event IN SHARE MODE")
        yield holder


def end_event_api_connections() -> None:
    with other_connection() as other:
        other.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'inngest event api'"
        )
