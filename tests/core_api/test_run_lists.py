"""`/v1/runs` as a list: filters, pages and what they cost."""

import pytest
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from apps.core_api.answers import RUN_STATUSES
from apps.datastore.models import Environment
from tests.core_api.rows import StoredRun, add_event, add_many_runs, add_run, add_step, pages, version_of


@pytest.fixture
def run_of_each_status(request: pytest.FixtureRequest) -> dict[str, StoredRun]:
    names = {"Running": "leased_run"}
    return {status: request.getfixturevalue(names.get(status, f"{status.lower()}_run")) for status in RUN_STATUSES}


def ids(client: APIClient, **parameters: object) -> set[str]:
    return {run["run_id"] for page in pages(client, "/v1/runs", **parameters) for run in page}


@pytest.mark.parametrize("asked", ["Queued", "Running", "Completed", "Cancelled", "failed"])
def test_runs_are_found_by_the_status_that_is_shown(
    client: APIClient, run_of_each_status: dict[str, StoredRun], asked: str
) -> None:
    assert ids(client, status=asked) == {run_of_each_status[asked.capitalize()].id}


def test_several_statuses_find_the_runs_of_any(client: APIClient, run_of_each_status: dict[str, StoredRun]) -> None:
    wanted = ["Failed", "Running"]
    assert ids(client, status=wanted) == {run_of_each_status[status].id for status in wanted}


def test_an_unknown_status_is_refused_by_name(client: APIClient) -> None:
    answer = client.get("/v1/runs", {"status": "Done"})
    assert answer.status_code == 400
    assert answer.json()["error"] == "`status` must be one of Queued, Running, Completed, Failed, Cancelled"


def test_runs_are_found_by_function(client: APIClient, completed_run: StoredRun, dev: Environment) -> None:
    other = add_run(version_of(dev, slug="other"), add_event(dev))
    assert ids(client, function_id="other") == {other.id}
    assert ids(client, function_id="nothing") == set()


def test_pages_hold_every_run_once_newest_first(client: APIClient, dev: Environment) -> None:
    add_many_runs(version_of(dev), 11)
    found = pages(client, "/v1/runs", limit=4)
    assert [len(page) for page in found] == [4, 4, 3]
    order = [run["run_id"] for page in found for run in page]
    assert order == sorted(order, reverse=True)
    assert len(set(order)) == 11


def test_runs_that_begin_meanwhile_shift_no_page(client: APIClient, dev: Environment) -> None:
    version = version_of(dev)
    add_many_runs(version, 6)
    everything = [run["run_id"] for run in client.get("/v1/runs").json()["data"]]
    first = client.get("/v1/runs", {"limit": 3}).json()
    add_run(version, add_event(dev))
    second = client.get("/v1/runs", {"limit": 3, "cursor": first["page"]["next_cursor"]}).json()
    assert [run["run_id"] for run in first["data"] + second["data"]] == everything
    assert second["page"]["next_cursor"] is None


@pytest.mark.usefixtures("short_scan")
def test_a_rare_run_is_found_over_short_pages(client: APIClient, dev: Environment, failed_run: StoredRun) -> None:
    add_many_runs(failed_run.version, 12)
    found = pages(client, "/v1/runs", status="Failed")
    assert [len(page) for page in found] == [0, 0, 1]
    assert found[-1][0]["run_id"] == failed_run.id


def test_a_page_costs_as_many_statements_however_long_it_is(
    client: APIClient, dev: Environment, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(30):
        run = add_run(
            version_of(dev, {"a": (), "b": ()}), add_event(dev), status="failed" if number % 2 else "completed"
        )
        for step_id in ("a", "b"):
            add_step(run, step_id, status="failed" if number % 2 else "completed", output="1", error="{}")
    for limit in (2, 10, 30):
        # environment, horizon, page, runs, definitions of the completed ones, texts
        with django_assert_num_queries(6):
            answer = client.get("/v1/runs", {"limit": limit, "status": ["Completed", "Failed"]})
        assert len(answer.json()["data"]) == limit


def test_one_run_costs_as_many_statements_however_many_steps_it_has(
    client: APIClient, dev: Environment, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for count in (1, 40):
        names = [f"s{number}" for number in range(count)]
        run = add_run(version_of(dev, dict.fromkeys(names, ())), add_event(dev), status="completed")
        for name in names:
            add_step(run, name, status="completed", output="1", failed_tries=2)
        # environment, run, definition and texts of the outcome, how far it has got, steps, definition for their names,
        # tries, waits
        with django_assert_num_queries(9):
            assert len(client.get(f"/v1/runs/{run.id}").json()["data"]["steps"]) == count


def test_one_run_costs_as_many_statements_however_many_steps_it_has_not_reached(
    client: APIClient, dev: Environment, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for count in (1, 40):
        names = [f"s{number}" for number in range(count)]
        run = add_run(version_of(dev, {"a": (), **dict.fromkeys(names, ("a",))}), add_event(dev), status="cancelled")
        add_step(run, "a", status="cancelled")
        # environment, run, how far it has got, steps, definition, why steps were not reached, tries, waits
        with django_assert_num_queries(8):
            assert len(client.get(f"/v1/runs/{run.id}").json()["data"]["steps"]) == count + 1


def test_runs_are_found_by_their_ids_and_narrowed_by_what_else_is_asked_for(
    client: APIClient, completed_run: StoredRun, failed_run: StoredRun, dev: Environment
) -> None:
    add_run(version_of(dev, slug="other"), add_event(dev))
    wanted = {completed_run.id, failed_run.id}
    asked = [*wanted, "0" * 26, "nothing"]
    assert ids(client, run_id=asked, limit=1) == wanted
    assert ids(client, run_id=asked, status="Failed") == {failed_run.id}
    assert ids(client, run_id=asked, function_id="other") == set()
    assert client.get("/v1/runs", {"run_id": asked, "status": "lost"}).status_code == 400
    answer = client.get("/v1/runs", {"run_id": [completed_run.id.lower()] * 101})
    assert answer.status_code == 400
    assert answer.json()["error"] == "`run_id` must be there at most 100 times"
