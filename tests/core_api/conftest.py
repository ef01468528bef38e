"""Runs and events in the states that a client can meet them in, as rows."""

import re
from collections import defaultdict
from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest
from django.db import connection
from rest_framework.test import APIClient

from apps.core_api import walking
from apps.datastore.models import Environment
from tests.clock import clock
from tests.core_api.rows import StoredRun, add_event, add_run, add_step, later, version_of
from tests.state.fixtures import driver, rings, worker

__all__ = ["clock", "driver", "rings", "worker"]


@pytest.fixture
def client(db: None) -> APIClient:
    return APIClient()


@pytest.fixture
def dev(db: None) -> Environment:
    return Environment.objects.get(slug="dev")


@pytest.fixture
def other_environment(db: None) -> Environment:
    return Environment.objects.create(public_id="11111111-1111-4111-b111-111111111111", slug="other")


@pytest.fixture
def queued_run(dev: Environment) -> StoredRun:
    run = add_run(version_of(dev, {"only": ()}), add_event(dev))
    add_step(run, "only", item_id=1)
    return run


@pytest.fixture
def leased_run(dev: Environment) -> StoredRun:
    """Its row still says `queued`."""
    run = add_run(version_of(dev, {"only": ()}), add_event(dev))
    add_step(run, "only", item_id=2, leased=True)
    return run


@pytest.fixture
def completed_run(dev: Environment) -> StoredRun:
    run = add_run(version_of(dev, {"first": (), "last": ("first",)}), add_event(dev), status="completed")
    add_step(run, "first", status="completed", output='{"n":1}')
    add_step(run, "last", status="completed", output='{"status":200}', failed_tries=1, queued_at=later(1))
    return run


@pytest.fixture
def branched_run(dev: Environment) -> StoredRun:
    """Completed, with two steps that nothing follows, of three."""
    version = version_of(dev, {"root": (), "left": ("root",), "right": ("root",)})
    run = add_run(version, add_event(dev), status="completed")
    for step_id, output in (("root", "0"), ("left", "1"), ("right", "[2]")):
        add_step(run, step_id, status="completed", output=output)
    return run


@pytest.fixture
def failed_run(dev: Environment) -> StoredRun:
    """Two of its steps failed; "late" is the one that comes first by name."""
    run = add_run(version_of(dev, {"sooner": (), "late": ()}), add_event(dev), status="failed")
    add_step(run, "late", status="failed", error='{"name":"Late","message":"m","stack":"s"}', ended_at=later(9))
    add_step(run, "sooner", status="failed", error='{"name":"Sooner","message":"m","stack":"s"}', ended_at=later(3))
    return run


@pytest.fixture
def cancelled_run(dev: Environment) -> StoredRun:
    run = add_run(version_of(dev, {"only": ()}), add_event(dev), status="cancelled")
    add_step(run, "only", status="cancelled")
    return run


@pytest.fixture
def short_scan(monkeypatch: pytest.MonkeyPatch) -> int:
    """A page looks at five rows at most."""
    monkeypatch.setattr(walking, "SCAN", 5)
    return 5


@pytest.fixture
def plans(db: None) -> Iterator[list[str]]:
    """The plan of every statement that the test runs, as the settings have it made: whatever the parameters are."""
    seen: list[str] = []

    def explain(execute: Any, sql: Any, params: Any, many: bool, context: Any) -> Any:
        text = sql if isinstance(sql, str) else sql.as_string()
        if text.lstrip().startswith(("SELECT", "WITH")):
            numbers = count(1)
            names: defaultdict[str, int] = defaultdict(lambda: next(numbers))
            numbered = re.sub(r"%(?:\((\w+)\))?[sb]", lambda found: f"${names[found[1] or str(found.start())]}", text)
            with context["connection"].connection.cursor() as cursor:
                cursor.execute("EXPLAIN (GENERIC_PLAN) " + numbered, prepare=False)
                seen.append("\n".join(row[0] for row in cursor.fetchall()))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(explain):
        yield seen
