"""`/fn/register`: who may register an app, where it goes, and what it is told."""

import json
from typing import Any

import pytest
from django.http import HttpResponse
from pytest_django import Settings
from rest_framework.test import APIClient

from apps.datastore.environments import MAX_BRANCHES
from apps.datastore.keys import create_api_token, create_event_key
from apps.datastore.models import App, Environment, Function
from apps.datastore.signing_keys import create_signing_key, revoke_signing_key
from drivers.signing import bearer_of, without_prefix
from tests.datastore.registrations import function, python_app, python_function, typescript_app


@pytest.fixture
def in_production(settings: Settings) -> None:
    settings.INNGEST_DEV = False
    settings.ALLOWED_HOSTS = ["*"]


@pytest.fixture
def branch(db: None) -> Environment:
    return Environment.objects.create(public_id="22222222-1111-4111-b111-111111111111", slug="branch")


def register(client: APIClient, document: object | None = None, key: str | None = None, **headers: str) -> Any:
    body = json.dumps(typescript_app(function()) if document is None else document)
    if key is not None:
        headers["authorization"] = f"Bearer {bearer_of(key)}"
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.post("/fn/register?deployId=7", body, content_type="application/json", headers=headers)


def refused(answer: HttpResponse, status: int) -> str:
    """Why, once the shape of the answer has been seen to."""
    assert answer.status_code == status
    content = json.loads(answer.content)
    assert content["status"] == status
    text: str = content["error"]
    return text


def test_an_app_registers_in_dev_mode_without_a_key(client: APIClient) -> None:
    answer = register(client)
    app = App.objects.get()
    assert answer.status_code == 200
    assert answer.json() == {
        "ok": True,
        "modified": True,
        "sync_id": str(app.sync_id),
        "app_id": str(app.public_id),
        "status": 200,
    }
    assert answer["X-Inngest-Server-Kind"] == "dev"
    assert app.environment.slug == "dev"
    assert register(client).json() == answer.json() | {"modified": False}


def test_python_registers_the_same(client: APIClient) -> None:
    assert register(client, python_app(python_function())).json()["modified"]
    assert Function.objects.get().slug == "shop-paid"


def test_in_dev_mode_a_branchs_name_does_not_matter(client: APIClient) -> None:
    assert register(client, x_inngest_env="main").status_code == 200
    assert App.objects.get().environment.slug == "dev"


def test_every_fault_is_told_in_the_text_and_as_a_list(client: APIClient) -> None:
    faulty = typescript_app(
        function("a", idempotency="=="), function("b", triggers=[{"event": "x", "expression": "event."}])
    )
    answer = register(client, faulty)
    text, content = refused(answer, 400), answer.json()
    assert [fault["path"] for fault in content["faults"]] == [
        "$.functions[0].idempotency",
        "$.functions[1].triggers[0].expression",
    ]
    for fault in content["faults"]:
        assert f"{fault['path']}: {fault['message']}" in text
    assert content["data"] is None
    assert not Function.objects.exists()


def test_an_app_without_an_id_is_told_so(client: APIClient) -> None:
    assert "App ID required" in refused(register(client, typescript_app(appName="")), 400)


@pytest.mark.parametrize(
    "body", ["", "{", "[1,", "\ud800".encode("utf-8", "surrogatepass"), b"\xff\xfe", "NaN", "[" * 9999]
)
def test_what_is_not_json_is_refused(client: APIClient, body: str | bytes) -> None:
    answer = client.post("/fn/register", body, content_type="application/json")
    assert "the body" in refused(answer, 400) or "must be an object" in refused(answer, 400)


def test_a_body_over_the_limit_is_refused(client: APIClient, settings: Settings) -> None:
    settings.REGISTRATION_MAX_BYTES = 100
    assert "100 bytes" in refused(register(client), 413)
    settings.REGISTRATION_MAX_BYTES = 10_000
    assert register(client).status_code == 200


def test_a_refused_registration_leaves_what_was_live_and_its_reason_is_kept(client: APIClient) -> None:
    register(client)
    text = refused(register(client, typescript_app(function(idempotency="=="))), 400)
    assert App.objects.get().error == text
    assert Function.objects.get().live_version is not None
    register(client)
    assert App.objects.get().error == ""


@pytest.mark.parametrize(("ours", "theirs"), [("dev", "cloud"), ("cloud", "dev")])
def test_an_app_in_the_wrong_mode_is_told_so_before_its_key_is_looked_at(
    client: APIClient, settings: Settings, ours: str, theirs: str
) -> None:
    settings.INNGEST_DEV = ours == "dev"
    settings.ALLOWED_HOSTS = ["*"]
    answer = register(client, x_inngest_expected_server_kind=theirs)
    assert refused(answer, 400) == f"Expected server kind {theirs}, got {ours}"


def test_an_app_in_the_right_mode_registers(client: APIClient) -> None:
    assert register(client, x_inngest_expected_server_kind="dev").status_code == 200


def test_other_methods_are_not_for_this(client: APIClient) -> None:
    assert client.get("/fn/register").status_code == 405


@pytest.mark.usefixtures("in_production")
@pytest.mark.parametrize(
    "header", [None, "", "Bearer", "Bearer ", "Basic abc", "Bearer signkey-dev-00", "Bearer caf\u00e9"]
)
def test_in_production_nobody_registers_without_a_key(client: APIClient, dev: Environment, header: str | None) -> None:
    create_signing_key(dev, "app")
    assert refused(register(client, **({} if header is None else {"authorization": header})), 401)
    assert not App.objects.exists()


@pytest.mark.usefixtures("in_production")
def test_the_hash_of_a_key_may_be_shown_without_its_prefix(client: APIClient, dev: Environment) -> None:
    shown = without_prefix(bearer_of(create_signing_key(dev, "app")))
    assert register(client, authorization=f"Bearer {shown}").json()["modified"] is True


@pytest.mark.usefixtures("in_production")
def test_no_other_secret_registers(client: APIClient, dev: Environment) -> None:
    """Not the key itself, either: an app that shows that has given it away."""
    for secret in (create_signing_key(dev, "app"), create_api_token(dev, "ci"), create_event_key(dev, "web")):
        assert refused(register(client, authorization=f"Bearer {secret}"), 401) == "Signing key not found"


@pytest.mark.usefixtures("in_production")
def test_every_live_key_registers_to_its_own_environment(
    client: APIClient, dev: Environment, other_environment: Environment
) -> None:
    current, standby = create_signing_key(dev, "current"), create_signing_key(dev, "standby")
    theirs = create_signing_key(other_environment, "app")
    assert register(client, key=current).json()["modified"] is True
    assert register(client, key=standby).json()["modified"] is False
    assert register(client, key=theirs).json()["modified"] is True
    assert set(App.objects.values_list("environment__slug", flat=True)) == {"dev", "other"}


@pytest.mark.usefixtures("in_production")
def test_a_revoked_key_registers_nothing_any_more(client: APIClient, dev: Environment) -> None:
    key, other = create_signing_key(dev, "app"), create_signing_key(dev, "other")
    revoke_signing_key(key)
    assert refused(register(client, key=key), 401) == "Signing key not found"
    assert register(client, key=other).status_code == 200


@pytest.mark.usefixtures("in_production")
def test_with_an_ordinary_key_a_branchs_name_does_not_matter(client: APIClient, dev: Environment) -> None:
    assert register(client, key=create_signing_key(dev, "app"), x_inngest_env="main").status_code == 200
    assert App.objects.get().environment == dev


@pytest.mark.usefixtures("in_production")
def test_a_branch_environment_is_made_when_an_app_first_registers_to_it(client: APIClient, branch: Environment) -> None:
    key = create_signing_key(branch, "app")
    for name, modified in (("fix/cart", True), ("fix/cart", False), ("main", True)):
        assert register(client, key=key, x_inngest_env=name).json()["modified"] is modified
    children = Environment.objects.filter(parent=branch)
    assert set(children.values_list("slug", flat=True)) == {"branch/fix/cart", "branch/main"}
    assert set(App.objects.values_list("environment__slug", flat=True)) == {"branch/fix/cart", "branch/main"}


@pytest.mark.usefixtures("in_production")
def test_a_registration_that_is_refused_makes_no_branch_environment(client: APIClient, branch: Environment) -> None:
    key = create_signing_key(branch, "app")
    faulty = typescript_app(function(idempotency="=="))
    bodies: list[object] = [faulty, [], typescript_app(appName="")]
    for body in bodies:
        assert refused(register(client, body, key=key, x_inngest_env="fix"), 400)
    assert not branch.branches.exists()
    assert register(client, key=key, x_inngest_env="fix").status_code == 200
    text = refused(register(client, faulty, key=key, x_inngest_env="fix"), 400)
    assert App.objects.get().error == text


@pytest.mark.usefixtures("in_production")
@pytest.mark.parametrize("name", ["", "x" * 201, "a\x07b"])
def test_a_branch_environment_needs_a_name(client: APIClient, branch: Environment, name: str) -> None:
    assert "x-inngest-env" in refused(register(client, key=create_signing_key(branch, "app"), x_inngest_env=name), 400)
    assert not branch.branches.exists()


@pytest.mark.usefixtures("in_production")
def test_there_are_not_more_branch_environments_than_a_thousand(client: APIClient, branch: Environment) -> None:
    Environment.objects.bulk_create(
        Environment(public_id=f"00000000-0000-4000-a000-{number:012}", slug=f"branch/{number}", parent=branch)
        for number in range(MAX_BRANCHES)
    )
    key = create_signing_key(branch, "app")
    assert "already" in refused(register(client, key=key, x_inngest_env="one-more"), 400)
    assert register(client, key=key, x_inngest_env="7").status_code == 200
