"""A clock that is moved by hand: the database's, from which the whole server has its time (rule 10).

A schema before pg_catalog on the search path has a `now()` of its own, so the product's statements run as they are. It
holds for every connection that the fixture's database gets from then on, those of other processes too.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection

from apps.state.clock import read_now

_MAKE = """
CREATE SCHEMA IF NOT EXISTS test_clock;
CREATE TABLE IF NOT EXISTS test_clock.moved (by interval NOT NULL);
DELETE FROM test_clock.moved;
INSERT INTO test_clock.moved VALUES ('0');
CREATE OR REPLACE FUNCTION test_clock.now() RETURNS timestamptz LANGUAGE sql STABLE
  AS 'SELECT pg_catalog.now() + by FROM test_clock.moved';
"""
_PATH = "test_clock, pg_catalog, public"


class Clock:
    """The database's time, as far as `now()` says it."""

    def now(self) -> datetime:
        return read_now()

    def move(self, **by: float) -> None:
        """Let so many `weeks`, `days`, `hours`, `minutes` or `seconds` pass."""
        with connection.cursor() as cursor:
            seconds = timedelta(**by).total_seconds()
            cursor.execute("UPDATE test_clock.moved SET by = by + make_interval(secs => %s)", (seconds,))

    def move_to(self, at: datetime) -> None:
        """Let time pass, or go back, until this moment."""
        self.move(seconds=(at - self.now()).total_seconds())


@pytest.fixture
def clock(request: pytest.FixtureRequest) -> Iterator[Clock]:
    """For a test marked `django_db`, also one with real transactions and several connections or processes."""
    request.getfixturevalue("_django_db_helper")
    marker = request.node.get_closest_marker("django_db")
    if marker is not None and marker.kwargs.get("transaction"):
        _forget_connections()
    with connection.cursor() as cursor:
        cursor.execute(_MAKE)
        database = connection.settings_dict["NAME"]
        cursor.execute(f'ALTER DATABASE "{database}" SET search_path = {_PATH}')
        cursor.execute(f"SET search_path = {_PATH}")
    yield Clock()
    with connection.cursor() as cursor:
        cursor.execute(f'ALTER DATABASE "{database}" RESET search_path')
        cursor.execute("RESET search_path")
        cursor.execute("DROP SCHEMA test_clock CASCADE")
    if marker is not None and marker.kwargs.get("transaction"):
        _forget_connections()


def _forget_connections() -> None:
    """Those that are pooled have the search path that they began with."""
    connection.close()
    pooled: Any = connection
    pooled.close_pool()
