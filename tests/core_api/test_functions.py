"""`/v1/functions`: what there is, what is live, and what is not any more."""

from itertools import pairwise
from typing import Any

import pytest
from rest_framework.test import APIClient

from apps.datastore.models import Blob, Deploy, Environment, Function, FunctionVersion, Release
from tests.core_api.archiving import definition, function
from tests.core_api.deploying import deploy, deploy_texts, get, post
from tests.core_api.rows import analyze
from tests.datastore.registrations import function as sdk_function
from tests.datastore.registrations import registered


def ids(functions: list[dict[str, Any]]) -> list[str]:
    return [one["id"] for one in functions]


def test_a_function_is_told_as_it_is_live(client: APIClient) -> None:
    fields: dict[str, Any] = {
        "triggers": [{"event": "user/signed.up", "expression": "event.data.ok"}, {"cron": "0 9 * * 1"}],
        "steps": {name: definition()["steps"]["call"] | {"id": name} for name in ("one", "two")},
    }
    done = deploy(client, function(**fields))
    (told,) = get(client, "/v1/functions")
    assert told == {
        "id": "welcome",
        "name": "Welcome",
        "app": None,
        "version": 1,
        "newest_version": 1,
        "archived": False,
        "triggers": [{"event": "user/signed.up", "expression": "event.data.ok"}, {"cron": "0 9 * * 1"}],
        "steps": ["one", "two"],
        "live_since": done["deploy"]["created_at"],
    }
    one = get(client, "/v1/functions/welcome")
    assert one["definition"]["id"] == "welcome"
    assert {name: one[name] for name in told} == told


def test_what_is_live_and_what_is_newest_may_differ(client: APIClient) -> None:
    deploy_texts(client, "1")
    deploy(client, function(name="Newer"), live="false")
    told = get(client, "/v1/functions/welcome")
    assert (told["version"], told["newest_version"], told["name"]) == (1, 2, "Welcome")


def test_a_function_that_was_never_live_is_listed_and_not_archived(client: APIClient) -> None:
    deploy(client, live="false")
    (told,) = get(client, "/v1/functions")
    assert (told["version"], told["newest_version"], told["archived"], told["live_since"]) == (None, 1, False, None)
    assert told["name"] == "Welcome"


def test_an_archived_function_is_listed_only_if_asked_for(client: APIClient) -> None:
    deploy(client, function("a"), function("b"))
    (archived,) = post(client, "/v1/functions/a/archive")["functions"]
    assert (archived["change"], archived["version"], archived["was"], archived["live"]) == ("archived", None, 1, False)
    assert ids(get(client, "/v1/functions")) == ["b"]
    assert ids(get(client, "/v1/functions", archived="true")) == ["a", "b"]
    told = get(client, "/v1/functions/a")
    assert (told["version"], told["archived"], told["live_since"]) == (None, True, None)
    assert post(client, "/v1/functions/a/archive", status=200)["deploy"] is None
    assert client.get("/v1/functions?archived=yes").status_code == 400


def test_functions_are_given_page_by_page_by_id(client: APIClient) -> None:
    deploy(client, *(function(slug) for slug in "ebdac"))
    page = client.get("/v1/functions?limit=3").json()
    rest = client.get("/v1/functions", {"limit": 3, "cursor": page["page"]["next_cursor"]}).json()
    assert (ids(page["data"]), ids(rest["data"])) == (["a", "b", "c"], ["d", "e"])
    assert rest["page"]["next_cursor"] is None


def test_an_apps_function_is_told_and_not_moved_by_hand(client: APIClient, dev: Environment) -> None:
    registered(dev, sdk_function("a"))
    slug = Function.objects.get().slug
    told = get(client, f"/v1/functions/{slug}")
    assert (told["app"], told["steps"], told["version"]) == ("shop", [], 1)
    for path, body in (("live", {"version": 1}), ("rollback", {}), ("archive", {})):
        refused = post(client, f"/v1/functions/{slug}/{path}", body, status=409)
        assert "shop" in refused["error"]
        assert refused["changed"] == []


def test_an_id_with_slashes_is_found_with_all_that_is_beneath_it(client: APIClient, dev: Environment) -> None:
    registered(dev, sdk_function("a"))
    Function.objects.update(slug="my/app/live")
    for path in ("", "/versions", "/versions/1", "/diff"):
        assert client.get(f"/v1/functions/my/app/live{path}").status_code == (405 if path == "" else 200)
    assert ids(get(client, "/v1/functions")) == ["my/app/live"]


@pytest.mark.parametrize("is_live", [True, False])
def test_a_definition_that_this_release_cannot_read_does_not_hide_the_others(client: APIClient, is_live: bool) -> None:
    deploy(client, function("a"), function("b"), live="false")
    a = Function.objects.get(slug="a")
    for number, text in enumerate(('{"id": "a", "steps": "of a later release"}', '{"name": "\\ud800"}'), start=2):
        unreadable = FunctionVersion(function=a, number=number, definition=text, manifest="{}", digest=str(number))
        unreadable.save()
        if is_live:
            Function.objects.filter(slug="a").update(live_version=unreadable)
        one, other = get(client, "/v1/functions")
        assert (one["id"], one["name"], one["triggers"], one["steps"]) == ("a", "a", [], [])
        assert (one["version"], one["newest_version"]) == (number if is_live else None, number)
        assert (other["id"], other["steps"]) == ("b", ["call"])
        assert client.get("/v1/functions/a").json()["data"]["definition"]


@pytest.mark.parametrize("path", ["", "/versions", "/versions/1", "/versions/1/files/x", "/diff"])
def test_what_is_not_there_is_a_404(client: APIClient, path: str) -> None:
    for slug in ("nobody", "a%00b", "%2e%2e"):
        answer = client.get(f"/v1/functions/{slug}{path}")
        assert (answer.status_code, answer.json()["status"]) == (404, 404)


@pytest.mark.parametrize(("path", "body"), [("live", {"version": 1}), ("rollback", {}), ("archive", {})])
def test_nobody_is_moved_who_is_not_there(client: APIClient, path: str, body: Any) -> None:
    for slug in ("nobody", "a%00b"):
        assert "There is no function" in post(client, f"/v1/functions/{slug}/{path}", body, status=404)["error"]


GROWING = ("datastore_functionversion", "datastore_release", "datastore_deploy", "datastore_blob", "datastore_function")


def add_many(environment: Environment, count: int) -> None:
    """Functions like `welcome`, each with a version that a deploy of its own released; all are archived."""
    numbers, text = range(101, count + 101), FunctionVersion.objects.filter(function__slug="welcome")[0].definition
    deploys = Deploy.objects.bulk_create(
        Deploy(environment=environment, number=number, kind="deploy", actor="", note="") for number in numbers
    )
    functions = Function.objects.bulk_create(Function(environment=environment, slug=f"f{n}") for n in numbers)
    versions = FunctionVersion.objects.bulk_create(
        FunctionVersion(function=function, number=1, definition=text, manifest="{}", digest="")
        for function in functions
    )
    Release.objects.bulk_create(
        Release(function=version.function, deploy=made, version=version)
        for version, made in zip(versions, deploys, strict=True)
    )
    Blob.objects.bulk_create(Blob(digest=f"{number:064}", content=b"") for number in numbers)


def test_growing_tables_are_only_looked_up_by_index(client: APIClient, dev: Environment, plans: list[str]) -> None:
    deploy_texts(client, *"12345")
    add_many(dev, 2_000)
    analyze(*GROWING)
    for path in (
        "functions",
        "functions?limit=2",
        "functions?archived=true",
        "functions?archived=true&limit=2",
        "deploys",
        "deploys/3",
        "functions/welcome",
        "functions/welcome/versions",
        "functions/welcome/versions/2",
        "functions/welcome/versions/2/files/x",
        "functions/welcome/diff",
    ):
        del plans[:]
        assert client.get(f"/v1/{path}").status_code == 200
        assert plans
        for plan in plans:
            lines = plan.splitlines()
            for line, next_line in pairwise([*lines, ""]):
                if any(f" on {table}" in line for table in GROWING):
                    assert "Index Cond" in next_line or "Recheck Cond" in next_line, f"{path}\n{plan}"
