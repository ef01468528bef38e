"""Going back: to a version, to what was before, to before a whole deploy; and that nobody is overridden unseen."""

from typing import Any

import pytest
from rest_framework.test import APIClient

from apps.datastore.models import Deploy, EventTrigger
from tests.core_api.archiving import function
from tests.core_api.deploying import deploy, deploy_texts, get, post

ROLLBACK = "/v1/functions/welcome/rollback"


def live(client: APIClient, slug: str = "welcome") -> int | None:
    version: int | None = get(client, f"/v1/functions/{slug}")["version"]
    started = EventTrigger.objects.filter(function__slug=slug).values_list("version__number", flat=True).first()
    assert started == version
    return version


def test_a_rollback_is_to_what_was_before_and_the_next_to_what_was_before_that(client: APIClient) -> None:
    deploy_texts(client, "1", "2", "3")
    seen = []
    for _ in range(2):
        (change,) = post(client, ROLLBACK)["functions"]
        seen.append((change["change"], change["was"], change["version"], live(client)))
    assert seen == [("restored", 3, 2, 2), ("restored", 2, 1, 1)]
    refused = post(client, ROLLBACK, status=409)
    assert "nothing before" in refused["error"]
    assert refused["changed"] == []


def test_a_deploy_after_a_rollback_is_rolled_back_to_where_that_was(client: APIClient) -> None:
    deploy_texts(client, "1", "2")
    post(client, ROLLBACK)
    deploy_texts(client, "3")
    post(client, ROLLBACK)
    assert live(client) == 1


def test_an_archived_function_comes_back_by_a_rollback(client: APIClient) -> None:
    deploy_texts(client, "1", "2")
    post(client, "/v1/functions/welcome/archive")
    assert live(client) is None
    post(client, ROLLBACK)
    assert live(client) == 2


def test_any_version_can_be_made_live_with_a_note(client: APIClient) -> None:
    deploy_texts(client, "1", "2", "3")
    data = post(client, "/v1/functions/welcome/live?note=calm", {"version": 1})
    assert (data["deploy"]["kind"], data["deploy"]["note"], data["base"]) == ("live", "calm", 4)
    assert data["functions"][0]["files"] == {"added": [], "changed": ["x"], "removed": []}
    assert live(client) == 1
    again = post(client, "/v1/functions/welcome/live", {"version": 1}, status=200)
    assert (again["deploy"], again["functions"][0]["change"]) == (None, "unchanged")
    assert "no version 9" in post(client, "/v1/functions/welcome/live", {"version": 9}, status=404)["error"]


@pytest.mark.parametrize("body", [{}, {"version": 0}, {"version": "1"}, {"version": 2**31}, {"version": None}, [], 7])
def test_a_version_that_is_none_is_refused(client: APIClient, body: Any) -> None:
    deploy(client)
    assert "version" in post(client, "/v1/functions/welcome/live", body, status=400)["error"] or body in ([], 7)


def test_no_body_is_an_empty_one_and_garbage_is_refused(client: APIClient) -> None:
    deploy_texts(client, "1", "2")
    assert client.post(ROLLBACK, b"[", content_type="application/json").status_code == 400
    assert client.post(ROLLBACK, b"\xff", content_type="application/json").status_code == 400
    assert client.post(ROLLBACK).status_code == 201


@pytest.mark.parametrize(("path", "body"), [("live", {"version": 1}), ("rollback", {}), ("archive", {})])
def test_what_someone_else_moved_since_base_is_a_conflict(client: APIClient, path: str, body: Any) -> None:
    deploy_texts(client, "1", "2")
    deploy(client, function("other"))
    refused = post(client, f"/v1/functions/welcome/{path}?base=1", body, status=409)
    (changed,) = refused["changed"]
    assert (changed["was"], changed["now"], changed["deploy"]["number"]) == (1, 2, 2)
    assert live(client) == 2
    assert "`base` must" in post(client, f"/v1/functions/welcome/{path}?base=4", body, status=400)["error"]
    post(client, f"/v1/functions/welcome/{path}?base=2", body)


def test_a_deploy_is_rolled_back_as_a_whole(client: APIClient) -> None:
    deploy(client, function("a"), function("b"))
    deploy(client, function("a", {"x": "2"}), function("b"), function("c"))
    data = post(client, "/v1/deploys/2/rollback?note=oops")
    changes = {one["function_id"]: (one["change"], one["was"], one["version"]) for one in data["functions"]}
    assert changes == {"a": ("restored", 2, 1), "c": ("archived", 1, None)}
    assert (live(client, "a"), live(client, "b"), live(client, "c")) == (1, 1, None)
    assert (data["deploy"]["kind"], data["deploy"]["note"]) == ("rollback", "oops")


def test_a_deploy_whose_functions_were_moved_again_is_not_rolled_back(client: APIClient) -> None:
    deploy(client, function("a"), function("b"))
    deploy(client, function("b", {"x": "2"}))
    refused = post(client, "/v1/deploys/1/rollback", status=409)
    assert [one["function_id"] for one in refused["changed"]] == ["b"]
    assert (live(client, "a"), live(client, "b")) == (1, 2)


def test_deploys_that_cannot_be_rolled_back_say_why(client: APIClient) -> None:
    deploy(client)
    deploy(client, function(files={"x": "2"}), live="false")
    assert "made nothing live" in post(client, "/v1/deploys/2/rollback", status=409)["error"]
    assert "no deploy 9" in post(client, "/v1/deploys/9/rollback", status=404)["error"]
    post(client, "/v1/deploys/1/rollback")
    assert post(client, "/v1/deploys/3/rollback", status=409)["changed"] == []
    assert Deploy.objects.count() == 3
