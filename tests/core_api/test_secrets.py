"""`/v1/secrets`: set, replaced, listed by name, removed; never shown, and in one's own world."""

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from pytest_django import Settings
from rest_framework.test import APIClient

from apps.datastore import read_secrets
from apps.datastore.environments import environment_for_sync
from apps.datastore.keys import create_environment
from apps.datastore.models import Environment, Scope, Secret
from apps.datastore.read_secrets import secrets_of
from tests.core_api.holders import app_of, holder


@pytest.fixture(autouse=True)
def nothing_known() -> Iterator[None]:
    read_secrets._known.clear()
    yield
    read_secrets._known.clear()


@pytest.fixture
def in_production(settings: Settings) -> None:
    settings.INNGEST_DEV = False
    settings.ALLOWED_HOSTS = ["*"]


@pytest.fixture
def deployer(in_production: None, dev: Environment) -> APIClient:
    return holder(dev, Scope.DEPLOY)


def put(client: APIClient, name: str, value: object) -> Any:
    return client.put(f"/v1/secrets/{name}", {"value": value}, format="json")


def patch(client: APIClient, secrets: object) -> Any:
    return client.patch("/v1/secrets", {"secrets": secrets}, format="json")


def names(client: APIClient) -> list[str]:
    return [one["name"] for one in client.get("/v1/secrets").json()["data"]]


def values_of(environment: Environment) -> dict[str, str]:
    read_secrets._known.clear()
    return dict(secrets_of([environment.pk])[environment.pk].readable())


def test_a_secret_is_set_replaced_and_removed_and_never_shown(
    deployer: APIClient, dev: Environment, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    first = put(deployer, "API_KEY", "hush-hush-1")
    assert (first.status_code, first.json()["data"]) == (200, {"made": ["API_KEY"], "replaced": []})
    second = put(deployer, "API_KEY", "hush-hush-2")
    assert second.json()["data"] == {"made": [], "replaced": ["API_KEY"]}
    assert values_of(dev) == {"API_KEY": "hush-hush-2"}
    listed = deployer.get("/v1/secrets")
    [entry] = listed.json()["data"]
    assert entry.keys() == {"name", "environment", "actor", "created_at", "updated_at"}
    assert (entry["name"], entry["environment"]) == ("API_KEY", "dev")
    assert entry["actor"].startswith("a deploy token (api_")
    assert entry["created_at"] < entry["updated_at"]
    said = (first.content + second.content + listed.content).decode() + caplog.text
    assert "hush" not in said
    assert deployer.delete("/v1/secrets/API_KEY").status_code == 204
    assert "no secret API_KEY" in deployer.delete("/v1/secrets/API_KEY").json()["error"]
    assert values_of(dev) == {}


def test_several_are_set_together_or_not_at_all(deployer: APIClient, dev: Environment) -> None:
    assert put(deployer, "KEPT", "1").status_code == 200
    assert patch(deployer, {"B": "2\n", "A": "1"}).json()["data"] == {"made": ["A", "B"], "replaced": []}
    assert patch(deployer, {}).json()["data"] == {"made": [], "replaced": []}
    refused = patch(deployer, {"A": "other", "1B": "2"})
    assert (refused.status_code, "'1B'" in refused.json()["error"]) == (400, True)
    assert values_of(dev) == {"A": "1", "B": "2\n", "KEPT": "1"}


@pytest.mark.parametrize("value", [None, 1, ["x"], "a\0"])
def test_a_value_that_is_none_is_a_400(deployer: APIClient, value: object) -> None:
    assert put(deployer, "A", value).status_code == 400
    assert patch(deployer, {"A": value}).status_code == 400


@pytest.mark.parametrize("name", ["1A", "A-B", "PATH", "A%00", "%C3%84", "A" * 256])
def test_a_name_that_is_none_is_a_400(deployer: APIClient, name: str) -> None:
    for answer in (put(deployer, name, "x"), deployer.delete(f"/v1/secrets/{name}")):
        assert answer.status_code == 400, answer.content
        assert "name" in answer.json()["error"]


@pytest.mark.parametrize("body", [b"", b"[]", b'{"value": "\\ud800"}', b'{"value": "a", "more": 1}', b"\xff"])
def test_a_body_that_is_none_is_a_400(deployer: APIClient, body: bytes) -> None:
    assert deployer.put("/v1/secrets/A", body, content_type="application/json").status_code == 400


def test_one_too_many_is_a_409_and_one_too_large_a_400(deployer: APIClient, settings: Settings) -> None:
    settings.SECRETS_MAX, settings.SECRET_MAX_BYTES = 1, 4
    assert put(deployer, "A", "éé").status_code == 200
    assert put(deployer, "B", "1").status_code == 409
    assert put(deployer, "A", "ééa").status_code == 400


def test_a_request_is_bounded_by_what_secrets_may_be_and_not_by_what_an_event_may(
    deployer: APIClient, settings: Settings
) -> None:
    settings.EVENT_MAX_BYTES, settings.SECRETS_MAX, settings.SECRETS_MAX_BYTES = 10, 2, 1_000
    assert patch(deployer, {"A": "x" * 900}).status_code == 200
    answer = patch(deployer, {"A": "x" * 10_000})
    assert answer.status_code == 413
    assert answer.json()["error"].startswith("The body is too large: the limit for a request that sets secrets is ")


@pytest.mark.usefixtures("in_production")
def test_who_only_reads_does_not_see_the_names(dev: Environment) -> None:
    reader = holder(dev, Scope.READ)
    for answer in (reader.get("/v1/secrets"), put(reader, "A", "1"), reader.delete("/v1/secrets/A")):
        assert answer.status_code == 403
    assert put(app_of(dev), "A", "1").status_code == 200
    assert Secret.objects.get().actor.startswith("signing key an app")


def test_another_environments_secrets_do_not_exist(deployer: APIClient, other_environment: Environment) -> None:
    put(deployer, "A", "1")
    stranger = holder(other_environment, Scope.ADMIN)
    assert names(stranger) == []
    assert stranger.delete("/v1/secrets/A").status_code == 404
    put(stranger, "A", "other")
    assert Secret.objects.count() == 2


@pytest.mark.usefixtures("in_production")
def test_a_branch_has_its_parents_and_its_own(db: None) -> None:
    parent = create_environment("branch")
    child = environment_for_sync(parent, "x")
    of_all, of_branch = holder(parent, Scope.DEPLOY), holder(parent, Scope.DEPLOY, "x")
    patch(of_all, {"A": "1", "B": "1"})
    put(of_branch, "B", "2")
    listed = {one["name"]: one["environment"] for one in of_branch.get("/v1/secrets").json()["data"]}
    assert listed == {"A": "branch", "B": "branch/x"}
    assert values_of(child) == {"A": "1", "B": "2"}
    assert of_branch.delete("/v1/secrets/A").status_code == 404
    assert of_branch.delete("/v1/secrets/B").status_code == 204
    assert values_of(child) == {"A": "1", "B": "1"}


def test_the_list_comes_in_pages(deployer: APIClient) -> None:
    patch(deployer, {f"N{number}": "1" for number in range(7)})
    seen: list[str] = []
    cursor = ""
    while True:
        page = deployer.get("/v1/secrets", {"limit": "3", "cursor": cursor}).json()
        seen += [one["name"] for one in page["data"]]
        cursor = page["page"]["next_cursor"]
        if cursor is None:
            break
    assert seen == [f"N{number}" for number in range(7)]


def test_it_is_described(client: APIClient) -> None:
    paths = json.loads(client.get("/v1/openapi.json").content)["paths"]
    assert paths["/v1/secrets"].keys() == {"get", "patch"}
    assert paths["/v1/secrets/{name}"].keys() == {"put", "delete"}
    for path in ("/v1/secrets", "/v1/secrets/{name}"):
        for operation in paths[path].values():
            assert operation["tags"] == ["Secrets"]
            assert "Scope: `deploy`." in operation["description"]
