"""Who is answered: tokens of an environment outside dev mode, this machine's programs in it."""

import pytest
from django.utils import timezone
from pytest_django import Settings
from rest_framework.test import APIClient

from apps.datastore.keys import create_api_token
from apps.datastore.models import ApiToken, Environment, Scope
from tests.core_api.rows import StoredRun, add_event, add_run, version_of


@pytest.fixture
def in_production(settings: Settings) -> None:
    settings.INNGEST_DEV = False
    settings.ALLOWED_HOSTS = ["*"]


@pytest.fixture
def foreign_run(other_environment: Environment) -> StoredRun:
    return add_run(version_of(other_environment), add_event(other_environment))


@pytest.fixture
def token(dev: Environment) -> str:
    return create_api_token(dev, "ci", Scope.DEPLOY)


@pytest.mark.usefixtures("in_production")
@pytest.mark.parametrize(
    "header",
    [
        None,
        "Bearer wrong",
        "Bearer ",
        "Bearer",
        "Basic abc",
        "Bearer caf\u00e9",
        "Bearer \ud83d".encode("utf-16", "surrogatepass").decode("latin-1"),
    ],
)
def test_nothing_is_answered_without_a_token(client: APIClient, completed_run: StoredRun, header: str | None) -> None:
    headers = {} if header is None else {"authorization": header}
    for path in ("/v1/events", "/v1/runs", f"/v1/runs/{completed_run.id}", f"/v1/runs/{completed_run.id}/history"):
        answer = client.get(path, headers=headers)
        assert answer.status_code == 401
        assert answer["WWW-Authenticate"] == "Bearer"
        assert set(answer.json()) == {"error", "status"}


@pytest.mark.usefixtures("in_production")
def test_who_shows_nothing_is_told_what_to_show(client: APIClient) -> None:
    assert client.get("/v1/runs").json()["error"] == "An API token is needed: `Authorization: Bearer <API token>`"


@pytest.mark.usefixtures("in_production")
def test_a_token_opens_its_environment(client: APIClient, completed_run: StoredRun, token: str) -> None:
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    assert len(client.get("/v1/runs").json()["data"]) == 1
    assert client.get("/v1/runs")["X-Inngest-Server-Kind"] == "cloud"


@pytest.mark.usefixtures("in_production")
def test_a_revoked_token_opens_nothing(client: APIClient, token: str) -> None:
    ApiToken.objects.update(revoked_at=timezone.now())
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    assert client.get("/v1/runs").status_code == 401


@pytest.mark.parametrize("dev_mode", [True, False])
def test_another_environments_rows_do_not_exist(
    client: APIClient, foreign_run: StoredRun, token: str, settings: Settings, dev_mode: bool
) -> None:
    settings.INNGEST_DEV = dev_mode
    settings.ALLOWED_HOSTS = ["testserver"]
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    run, event = foreign_run.id, foreign_run.event.internal_id
    for path in (
        f"/v1/runs/{run}",
        f"/v1/runs/{run}/history",
        f"/v1/runs/{run}/steps/step-1",
        f"/v1/events/{event}",
        f"/v1/events/{event}/runs",
        f"/v1/events/{event}/starts",
        f"/v1/events/{event}/waits",
    ):
        assert client.get(path).status_code == 404
    assert client.delete(f"/v1/runs/{run}").status_code == 404
    assert client.get("/v1/events").json()["data"] == client.get("/v1/runs").json()["data"] == []
    assert client.get("/v1/runs", {"function_id": "post-signup"}).json()["data"] == []


def test_dev_mode_asks_for_no_token(client: APIClient, completed_run: StoredRun) -> None:
    answer = client.get("/v1/runs")
    assert len(answer.json()["data"]) == 1
    assert answer["X-Inngest-Server-Kind"] == "dev"


@pytest.mark.parametrize(
    "origin",
    ["https://evil.example", "http://localhost:3000", "null", "http://testserver.evil.example", "https://testserver"],
)
def test_dev_mode_does_not_answer_pages_of_other_origins(client: APIClient, queued_run: StoredRun, origin: str) -> None:
    for answer in (
        client.get("/v1/runs", headers={"origin": origin}),
        client.delete(f"/v1/runs/{queued_run.id}", headers={"origin": origin}),
        client.get("/nothing", headers={"origin": origin}),
    ):
        assert (answer.status_code, answer.json()["status"]) == (403, 403)
        assert answer["X-Inngest-Server-Kind"] == "dev"
    assert client.get(f"/v1/runs/{queued_run.id}").json()["data"]["status"] == "Queued"


@pytest.mark.parametrize("host", ["localhost:8288", "127.0.0.1:8288", "[::1]:8288"])
def test_dev_mode_answers_its_own_pages(client: APIClient, host: str) -> None:
    assert client.get("/v1/runs", headers={"host": host, "origin": f"http://{host}"}).status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example:8288", "", "bad host", "a\u00e9"])
def test_dev_mode_answers_to_loopback_names_only(client: APIClient, host: str) -> None:
    answer = client.get("/v1/runs", headers={"host": host})
    assert (answer.status_code, answer.json()["status"]) == (403, 403)


def test_a_host_that_production_does_not_know_gets_json(client: APIClient, settings: Settings) -> None:
    settings.INNGEST_DEV = False
    settings.ALLOWED_HOSTS = ["api.example"]
    answer = client.get("/v1/runs", headers={"host": "evil.example"})
    assert (answer.status_code, answer.json()) == (400, {"error": "Bad Request", "status": 400})
    assert answer["X-Inngest-Server-Kind"] == "cloud"
