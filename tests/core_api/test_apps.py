"""`/v1/apps`, and what `/dev` says of apps: what has registered, and how it stands."""

from urllib.parse import quote

import pytest
from pytest_django import Settings
from rest_framework.test import APIClient

from apps.datastore.definition.types import from_json
from apps.datastore.models import Environment, FunctionVersion
from apps.datastore.registering import note_refusal
from apps.datastore.signing_keys import create_signing_key, revoke_signing_key
from drivers.signing import bearer_of, without_prefix
from tests.datastore.registrations import URL, function, registered
from tests.functions import deploy_function


def test_the_apps_of_the_environment_are_listed_by_id(
    client: APIClient, dev: Environment, other_environment: Environment
) -> None:
    registered(dev, function("a"), appName="second")
    done = registered(dev, function("b"), function("c"), appName="first", appVersion="v1")
    registered(other_environment, function("a"), appName="hidden")
    answer = client.get("/v1/apps").json()
    assert [app["id"] for app in answer["data"]] == ["first", "second"]
    first = answer["data"][0]
    assert first.pop("synced_at")
    assert first == {
        "id": "first",
        "app_id": str(done.app_id),
        "sync_id": str(done.sync_id),
        "url": URL,
        "sdk": "js:v4.24.0",
        "framework": "express",
        "app_version": "v1",
        "functions": 2,
        "archived_at": None,
        "error": None,
    }
    assert set(answer["metadata"]) == {"fetched_at", "cached_until"}
    assert client.get("/v1/apps/first").json()["data"]["functions"] == 2


def test_lists_are_paged(client: APIClient, dev: Environment) -> None:
    for number in range(3):
        registered(dev, function(f"fn-{number}"), appName=f"app-{number}")
    registered(dev, *(function(f"more-{number}") for number in range(3)), appName="app-9")
    for path, ids in (
        ("/v1/apps", ["app-0", "app-1", "app-2", "app-9"]),
        ("/v1/apps/app-9/functions", ["more-0", "more-1", "more-2"]),
    ):
        found: list[str] = []
        cursor: str | None = ""
        while cursor is not None:
            page = client.get(f"{path}?limit=2&cursor={cursor}").json()
            assert len(page["data"]) <= 2
            found += [entry["id"] for entry in page["data"]]
            cursor = page["page"]["next_cursor"]
        assert found == ids


def test_an_apps_functions_say_what_starts_them_and_what_is_not_enforced(client: APIClient, dev: Environment) -> None:
    registered(
        dev,
        function("a", triggers=[{"event": "x", "expression": "event.data.n > 1"}, {"cron": "* * * * *"}]),
        function("b", name="Bee", triggers=[], concurrency=2),
        function("c"),
    )
    registered(dev, function("a", triggers=[{"event": "y"}]), function("b", name="Bee", triggers=[], concurrency=2))
    answer = client.get("/v1/apps/shop/functions").json()
    assert answer["data"] == [
        {
            "id": "a",
            "name": "a",
            "version": 2,
            "triggers": [{"event": "y"}],
            "url": f"{URL}?fnId=a&stepId=step",
            "attempts": 5,
            "not_enforced": [],
            "config": None,
        },
        {
            "id": "b",
            "name": "Bee",
            "version": 1,
            "triggers": [],
            "url": f"{URL}?fnId=b&stepId=step",
            "attempts": 5,
            "not_enforced": ["concurrency"],
            "config": {"concurrency": [{"limit": 2}]},
        },
    ]


def test_an_apps_id_may_hold_slashes(client: APIClient, dev: Environment) -> None:
    for app_id in ("team/shop", "shop/functions"):
        registered(dev, function(f"{app_id}-fn"), appName=app_id)
    assert client.get("/v1/apps/team/shop").json()["data"]["id"] == "team/shop"
    for app_id in ("team/shop", "shop/functions"):
        for path in (app_id, quote(app_id, safe="")):
            (found,) = client.get(f"/v1/apps/{path}/functions").json()["data"]
            assert found["id"] == f"{app_id}-fn"


def test_a_password_in_a_url_is_not_shown(client: APIClient, dev: Environment) -> None:
    private = function("a")
    private["steps"]["step"]["runtime"]["url"] = "http://user:pass@[::1]:8000/x?fnId=a&at=@"
    registered(dev, private, url="https://user:p%40ss@host/api?a=1")
    (step,) = from_json(FunctionVersion.objects.get().definition).steps.values()
    assert "user:pass@" in str(step.runtime.options["url"])
    assert client.get("/v1/apps/shop").json()["data"]["url"] == "https://host/api?a=1"
    assert client.get("/v1/apps").json()["data"][0]["url"] == "https://host/api?a=1"
    assert client.get("/dev").json()["apps"][0]["url"] == "https://host/api?a=1"
    assert client.get("/v1/apps/shop/functions").json()["data"][0]["url"] == "http://[::1]:8000/x?fnId=a&at=@"


def test_why_a_registration_was_refused_can_be_read(client: APIClient, dev: Environment) -> None:
    registered(dev, function("a"))
    note_refusal(dev, "shop", "$.url: is wrong")
    assert client.get("/v1/apps/shop").json()["data"]["error"] == "$.url: is wrong"


@pytest.mark.parametrize(
    "path", ["/v1/apps/nowhere", "/v1/apps/nowhere/functions", "/v1/apps/a%00b", "/v1/apps/hidden"]
)
def test_an_app_that_is_not_there_is_not_found(
    client: APIClient, dev: Environment, other_environment: Environment, path: str
) -> None:
    registered(other_environment, appName="hidden")
    assert client.get(path).status_code == 404


def test_dev_lists_the_apps_and_whose_each_function_is(client: APIClient, dev: Environment) -> None:
    deploy_function(slug="declared")
    registered(dev, function("a", concurrency=2))
    answer = client.get("/dev").json()
    (app,) = answer["apps"]
    assert (app["id"], app["functions"], app["url"]) == ("shop", 1, URL)
    mine, declared = answer["functions"]
    assert (mine["app"], mine["not_enforced"]) == ("shop", ["concurrency"])
    assert "app" not in declared


def test_a_signing_key_opens_the_rest_api_of_its_environment(
    client: APIClient, dev: Environment, other_environment: Environment, settings: Settings
) -> None:
    registered(dev, function("a"))
    ours, theirs = create_signing_key(dev, "a"), create_signing_key(other_environment, "a")
    settings.INNGEST_DEV = False

    def apps(secret: str, **headers: str) -> list[str] | int:
        answer = client.get("/v1/apps", headers={"authorization": f"Bearer {secret}", **headers})
        return [app["id"] for app in answer.json()["data"]] if answer.status_code == 200 else answer.status_code

    assert apps(bearer_of(ours)) == apps(bearer_of(ours), **{"x-inngest-env": "main"}) == ["shop"]
    assert apps(without_prefix(bearer_of(ours))) == ["shop"]
    assert apps(bearer_of(theirs)) == []
    assert apps(ours) == 401
    revoke_signing_key(ours)
    assert apps(bearer_of(ours)) == 401


def test_with_a_key_of_branch_environments_the_header_says_which(client: APIClient, settings: Settings) -> None:
    branch = Environment.objects.create(public_id="22222222-1111-4111-b111-111111111111", slug="branch")
    child = Environment.objects.create(
        public_id="33333333-1111-4111-b111-111111111111", slug="branch/fix", parent=branch
    )
    registered(child, function("a"))
    headers = {"authorization": f"Bearer {bearer_of(create_signing_key(branch, 'a'))}"}
    settings.INNGEST_DEV = False
    answer = client.get("/v1/apps", headers={**headers, "x-inngest-env": "fix"})
    assert [app["id"] for app in answer.json()["data"]] == ["shop"]
    for wrong, words in (({}, "x-inngest-env"), ({"x-inngest-env": "other"}, "synced")):
        answer = client.get("/v1/apps", headers={**headers, **wrong})
        assert answer.status_code == 400
        assert words in answer.json()["error"]
