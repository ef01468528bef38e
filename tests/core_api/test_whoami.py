"""`/v1/whoami`: every key learns what it is good for, and where."""

import pytest
from pytest_django import Settings
from rest_framework.test import APIClient

from apps.core_api.access import Access
from apps.datastore.environments import environment_for_sync
from apps.datastore.keys import create_environment
from apps.datastore.models import ApiToken, Environment, Scope, SigningKey
from apps.version import VERSION
from tests.core_api.holders import app_of, holder


@pytest.fixture
def in_production(settings: Settings) -> None:
    settings.INNGEST_DEV = False
    settings.ALLOWED_HOSTS = ["*"]


def environment_told(client: APIClient) -> dict[str, object]:
    told: dict[str, object] = client.get("/v1/whoami").json()["data"]["environment"]
    return told


def test_in_dev_mode_whoever_comes_may_do_everything(client: APIClient, dev: Environment) -> None:
    answer = client.get("/v1/whoami")
    assert answer.status_code == 200
    assert answer.json()["data"] == {
        "server": {"version": VERSION, "kind": "dev"},
        "environment": {"name": "dev", "id": str(dev.public_id), "parent": None},
        "access": {"kind": "dev", "id": None, "name": None, "hint": None, "scope": "admin"},
    }
    assert set(answer.json()["metadata"]) == {"fetched_at", "cached_until"}


@pytest.mark.usefixtures("in_production")
@pytest.mark.parametrize("scope", list(Scope))
def test_a_token_of_any_scope_learns_which_it_is(other_environment: Environment, scope: Scope) -> None:
    told = holder(other_environment, scope).get("/v1/whoami").json()["data"]
    token = ApiToken.objects.get()
    assert told["server"]["kind"] == "cloud"
    assert told["environment"] == {"name": "other", "id": str(other_environment.public_id), "parent": None}
    assert told["access"] == {
        "kind": "api-token",
        "id": token.pk,
        "name": f"a {scope} token",
        "hint": token.hint,
        "scope": scope.value,
    }


@pytest.mark.usefixtures("in_production")
def test_a_signing_key_is_as_good_as_a_token_that_deploys(dev: Environment) -> None:
    told = app_of(dev).get("/v1/whoami").json()["data"]["access"]
    key = SigningKey.objects.get()
    assert told == {"kind": "signing-key", "id": key.pk, "name": "an app", "hint": key.hint, "scope": "deploy"}


@pytest.mark.usefixtures("in_production", "db")
def test_of_branch_environments_the_one_that_the_header_names_is_told_with_its_parent() -> None:
    branch = create_environment("branch")
    child = environment_for_sync(branch, "fix/cart")
    for client in (holder(branch, Scope.READ, branch="fix/cart"), app_of(branch, branch="fix/cart")):
        assert environment_told(client) == {"name": "branch/fix/cart", "id": str(child.public_id), "parent": "branch"}
    for client in (holder(branch, Scope.READ), app_of(branch)):
        assert environment_told(client) == {"name": "branch", "id": str(branch.public_id), "parent": None}
    unknown = holder(branch, Scope.ADMIN, branch="nowhere").get("/v1/whoami")
    assert (unknown.status_code, "'nowhere'" in unknown.json()["error"]) == (400, True)


def test_what_is_written_down_of_who_did_it_fits_and_names_no_secret(dev: Environment) -> None:
    named = Access(dev, Scope.DEPLOY, dev, "api-token", 1, "ci", "api_AbCd")
    assert named.actor == "ci (api_AbCd…)"
    assert named._replace(kind="signing-key", hint="0123456789ab").actor == "signing key ci (0123456789ab…)"
    assert named._replace(kind="dev", name=None, hint=None).actor == "dev mode"
    assert len(named._replace(kind="signing-key", name="x" * 300).actor) == 200
