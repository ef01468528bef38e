"""For every test of the session."""

import sys
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.db.models.signals import post_migrate

_LEFT = """
SELECT pg_terminate_backend(pid), application_name, state, left(query, 200) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
"""


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """The test database, which can be dropped at the end: a session that a killed process or an ended thread left open
    would keep it. Each is told, so that one that belongs to the product is seen."""
    yield
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute(_LEFT)
        for _, application, state, query in cursor.fetchall():
            sys.stderr.write(f"\nstill connected at the end: {application!r} {state} {query!r}\n")
        connection.close()


@pytest.fixture(scope="session", autouse=True)
def _what_migrations_made() -> Iterator[None]:
    """A test with transactions empties every table; what lies in one from the beginning is there again after it.

    In one process these tests come last; of two processes each has files with and without them, in any order.
    """

    def put_back(sender: Any, **kwargs: Any) -> None:
        if sender.label == "datastore" and kwargs.get("plan") is None:  # after a flush, not after a migration
            from tests.functions import dev_environment

            dev_environment()

    post_migrate.connect(put_back, weak=False)
    yield
    post_migrate.disconnect(put_back)
