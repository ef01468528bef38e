"""`/v1/environments`: made with a token of their own, and seen by nobody else's."""

import json

import pytest
from pytest_django import Settings
from rest_framework.test import APIClient

from apps.datastore.environments import environment_for_sync
from apps.datastore.keys import create_environment, digest_of
from apps.datastore.models import ApiToken, Environment, Scope
from tests.core_api.holders import holder, showing
from tests.core_api.rows import pages


@pytest.fixture
def in_production(settings: Settings) -> None:
    settings.INNGEST_DEV = False
    settings.ALLOWED_HOSTS = ["*"]


@pytest.fixture
def admin(in_production: None, dev: Environment) -> APIClient:
    return holder(dev, Scope.ADMIN)


def make(client: APIClient, name: object) -> tuple[int, dict[str, object]]:
    answer = client.post("/v1/environments", json.dumps({"name": name}), content_type="application/json")
    return answer.status_code, answer.json()


def test_an_admin_sees_its_own_environment_and_no_other(
    admin: APIClient, dev: Environment, other_environment: Environment
) -> None:
    told = {"name": "dev", "id": str(dev.public_id), "parent": None, "deploys": 0}
    [listed] = admin.get("/v1/environments").json()["data"]
    one = admin.get("/v1/environments/dev").json()["data"]
    assert one == listed
    assert listed.pop("created_at")
    assert listed == told
    for name in ("other", "nothing", "dev%00", "dev/", "%ff"):
        assert admin.get(f"/v1/environments/{name}").status_code == 404


def test_a_new_environment_is_opened_by_the_token_that_it_comes_with(admin: APIClient) -> None:
    answer = admin.post("/v1/environments", {"name": "staging"}, format="json")
    assert (answer.status_code, answer["Cache-Control"]) == (201, "no-store")
    environment, token = answer.json()["data"]["environment"], answer.json()["data"]["token"]
    row = ApiToken.objects.get(environment__slug="staging")
    assert (environment["name"], environment["parent"], environment["deploys"]) == ("staging", None, 0)
    assert (token["id"], token["name"], token["scope"], token["hint"]) == (row.pk, "admin", "admin", row.hint)
    assert digest_of(token["secret"]) == row.digest
    staging = showing(token["secret"])
    assert staging.get("/v1/environments/staging").json()["data"] == environment
    assert staging.get("/v1/environments/dev").status_code == 404
    assert admin.get("/v1/environments/staging").status_code == 404


def test_a_name_that_is_there_is_refused(admin: APIClient, other_environment: Environment) -> None:
    status, answer = make(admin, "other")
    assert (status, answer) == (409, {"error": "There is an environment 'other' already", "status": 409})


@pytest.mark.parametrize("name", ["", "a b", "a/b", "a\n", "a\0", "\ud800", "x" * 101, "dev", "branch", 7, None, []])
def test_what_cannot_be_a_name_is_refused(admin: APIClient, name: object) -> None:
    status, answer = make(admin, name)
    assert (status, answer["status"]) == (400, 400)
    assert set(Environment.objects.values_list("slug", flat=True)) == {"dev"}


@pytest.mark.parametrize("body", ["", "{}", "[]", "{", '{"name": "a", "parent": "dev"}', "\xff"])
def test_a_body_that_asks_for_nothing_we_know_is_refused(admin: APIClient, body: str) -> None:
    answer = admin.post("/v1/environments", body.encode("latin-1"), content_type="application/json")
    assert (answer.status_code, answer.json()["status"]) == (400, 400)
    assert not Environment.objects.exclude(slug="dev").exists()


def test_there_are_no_more_than_may_be(admin: APIClient, settings: Settings) -> None:
    settings.ENVIRONMENTS_MAX = 2
    assert make(admin, "staging")[0] == 201
    status, answer = make(admin, "production")
    assert (status, "ENVIRONMENTS_MAX" in str(answer["error"])) == (409, True)
    assert ApiToken.objects.filter(name="admin").count() == 1


def test_an_admin_of_branch_environments_sees_them_all_a_page_at_a_time(in_production: None, dev: Environment) -> None:
    branch = create_environment("branch")
    names = ["branch", *(f"branch/{number}" for number in range(5))]
    for name in names[1:]:
        environment_for_sync(branch, name.removeprefix("branch/"))
    for client in (holder(branch, Scope.ADMIN), holder(branch, Scope.ADMIN, branch="3")):
        found = pages(client, "/v1/environments", limit=2)
        assert [entry["name"] for page in found for entry in page] == names
        assert [entry["parent"] for page in found for entry in page] == [None, *["branch"] * 5]
        assert client.get("/v1/environments/branch/3").json()["data"]["name"] == "branch/3"
    assert holder(branch, Scope.ADMIN, branch="not there yet").get("/v1/environments").status_code == 200
