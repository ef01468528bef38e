"""What the database does for an answer does not grow with its tables, also by plans made before they grew."""

import pytest
from django.db import connection
from rest_framework.test import APIClient

from apps.datastore.models import Environment
from apps.event_stream.models import Event
from tests.core_api.rows import StoredRun, add_event, add_many_runs, analyze, later, version_of

GROWING = (
    "state_run",
    "state_step",
    "state_attempt",
    "state_leaseditem",
    "state_scheduleditem",
    "state_history",
    "state_wait",
    "state_notstarted",
    "event_stream_event",
)
PATHS = (
    "/v1/runs",
    "/v1/runs?status=Running",
    "/v1/runs?function_id=post-signup&status=Failed",
    "/v1/runs/{run}",
    "/v1/runs/{run}/steps/last",
    "/v1/runs/{run}/history",
    "/v1/events",
    "/v1/events?name=n&received_after=2026-01-31&received_before=2026-02-01",
    "/v1/events/{event}",
    "/v1/events/{event}/runs",
    "/v1/events/{event}/starts",
    "/v1/events/{event}/waits",
)


@pytest.fixture
def grown(dev: Environment) -> None:
    add_many_runs(version_of(dev), 3_000)
    Event.objects.bulk_create(
        Event(internal_id=f"{number:026}", environment_id=dev.pk, name="n", payload="{}", received_at=later(number))
        for number in range(3_000)
    )


@pytest.mark.parametrize("analyzed_when", ["empty", "grown"])
@pytest.mark.parametrize("path", PATHS)
def test_growing_tables_are_only_looked_up_by_index(
    client: APIClient, request: pytest.FixtureRequest, plans: list[str], path: str, analyzed_when: str
) -> None:
    if analyzed_when == "empty":
        # As in a new database: the pages that other tests' rows have left count for the planner, too.
        with connection.cursor() as cursor:
            cursor.execute(f"TRUNCATE {', '.join(GROWING)}")
        analyze(*GROWING)
    request.getfixturevalue("grown")
    run: StoredRun = request.getfixturevalue("completed_run")
    if analyzed_when == "grown":
        analyze(*GROWING)
    del plans[:]
    assert client.get(path.format(run=run.id, event=run.event.internal_id)).status_code == 200
    assert plans
    for plan in plans:
        lines = plan.splitlines()
        for number, line in enumerate(lines):
            if any(f" on {table}" in line for table in GROWING):
                by_index = "Index Cond" in lines[number + 1] or "Recheck Cond" in lines[number + 1]
                # The first and the last event's number.
                ends = "Limit" in lines[number - 1] and "event_stream_event_pkey" in line
                assert by_index or ends, plan


def test_a_page_of_one_function_walks_its_own_index(client: APIClient, dev: Environment, plans: list[str]) -> None:
    add_many_runs(version_of(dev, slug="rare"), 3)
    add_many_runs(version_of(dev, slug="busy"), 3_000)
    analyze("state_run")
    assert len(client.get("/v1/runs", {"function_id": "rare", "status": "Completed"}).json()["data"]) == 3
    walks = [plan for plan in plans if "state_run" in plan and plan.startswith("Limit")]
    assert len(walks) == 2
    # The walk itself. What it found is few enough for either index, and the planner goes by what other tests left.
    assert "run_by_function" in walks[0], "\n".join(walks)
    assert "Sort" not in walks[0], "\n".join(walks)


def test_a_page_of_one_name_walks_its_own_index(client: APIClient, dev: Environment, plans: list[str]) -> None:
    for number in range(1_000):
        add_event(dev, name="rare" if number < 3 else "busy")
    analyze("event_stream_event")
    del plans[:]
    assert len(client.get("/v1/events", {"name": "rare"}).json()["data"]) == 3
    walks = [plan for plan in plans if "event_by_name" in plan]
    assert len(walks) == 2
    assert all("Sort" not in plan for plan in walks), "\n".join(walks)
