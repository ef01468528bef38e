"""`DELETE /v1/runs/<id>`."""

import pytest
from rest_framework.test import APIClient

from apps.event_stream.ids import new_ulid
from apps.state.models import History, Step
from tests.core_api.rows import StoredRun


@pytest.mark.parametrize("state", ["queued_run", "leased_run"])
def test_a_run_that_goes_on_is_cancelled(client: APIClient, request: pytest.FixtureRequest, state: str) -> None:
    run: StoredRun = request.getfixturevalue(state)
    answer = client.delete(f"/v1/runs/{run.id}")
    assert (answer.status_code, answer.content) == (204, b"")
    assert client.get(f"/v1/runs/{run.id}").json()["data"]["status"] == "Cancelled"
    assert Step.objects.get(run_id=run.id).status == "cancelled"
    assert History.objects.get(run_id=run.id).reason == "cancelled through the REST API"


@pytest.mark.parametrize(
    ("state", "status"), [("completed_run", "Completed"), ("failed_run", "Failed"), ("cancelled_run", "Cancelled")]
)
def test_a_run_that_has_ended_is_not_cancelled(
    client: APIClient, request: pytest.FixtureRequest, state: str, status: str
) -> None:
    run: StoredRun = request.getfixturevalue(state)
    answer = client.delete(f"/v1/runs/{run.id}")
    assert answer.status_code == 409
    assert answer.json() == {"error": f"Run {run.id} has already ended: {status}", "status": 409}
    assert client.get(f"/v1/runs/{run.id}").json()["data"]["status"] == status


def test_an_unknown_run_is_not_found(client: APIClient) -> None:
    answer = client.delete(f"/v1/runs/{new_ulid()}")
    assert (answer.status_code, answer.json()["status"]) == (404, 404)
