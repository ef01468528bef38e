"""`/v1/event-keys`, `/v1/api-tokens` and `/v1/signing-keys`: made, shown once, listed, revoked, in one's own world."""

import json
import logging
from collections import Counter
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pytest_django import Settings
from rest_framework.test import APIClient

from apps.datastore.environments import environment_for_sync
from apps.datastore.keys import create_environment, digest_of
from apps.datastore.models import ApiToken, Environment, EventKey, Key, Scope, SigningKey
from apps.datastore.signing_keys import create_signing_key
from drivers.signing import bearer_of, without_prefix
from tests.core_api.holders import app_of, holder, showing
from tests.core_api.rows import pages
from tests.functions import dev_environment
from tests.state.racing import race

KINDS: dict[str, type[Key]] = {"event-keys": EventKey, "api-tokens": ApiToken, "signing-keys": SigningKey}
WORDS = sorted(KINDS)

of_each_kind = pytest.mark.parametrize("word", WORDS)


@pytest.fixture
def in_production(settings: Settings) -> None:
    settings.INNGEST_DEV = False
    settings.ALLOWED_HOSTS = ["*"]


@pytest.fixture
def admin(in_production: None, dev: Environment) -> APIClient:
    return holder(dev, Scope.ADMIN)


def create(client: APIClient, word: str, name: str = "website", **fields: object) -> Any:
    """What was made. Another kind of answer fails the test."""
    answer = client.post(f"/v1/{word}", {"name": name, **fields}, format="json")
    assert answer.status_code == 201, answer.content
    return answer.json()["data"]


def refused(answer: Any, status: int) -> str:
    """Why."""
    assert (answer.status_code, answer.json()["status"]) == (status, status)
    text: str = answer.json()["error"]
    return text


@of_each_kind
def test_a_key_is_made_shown_once_and_listed(admin: APIClient, word: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    answer = admin.post(f"/v1/{word}", {"name": "website"}, format="json")
    assert (answer.status_code, answer["Cache-Control"]) == (201, "no-store")
    made = answer.json()["data"]
    secret = made.pop("secret")
    row = KINDS[word]._default_manager.get(pk=made["id"])
    assert row.digest == digest_of(without_prefix(bearer_of(secret)) if word == "signing-keys" else secret)
    assert (made["name"], made["hint"], made["revoked_at"]) == ("website", row.hint, None)
    listed = admin.get(f"/v1/{word}")
    assert made in listed.json()["data"]
    said = listed.content.decode() + caplog.text
    assert secret not in said
    assert row.digest not in said


def test_what_is_made_opens_what_it_is_for(admin: APIClient, dev: Environment) -> None:
    token = showing(create(admin, "api-tokens", scope="deploy")["secret"])
    assert token.get("/v1/whoami").json()["data"]["access"]["scope"] == "deploy"
    app = showing(bearer_of(create(admin, "signing-keys")["secret"]))
    assert app.get("/v1/whoami").json()["data"]["environment"]["name"] == "dev"
    assert create(admin, "event-keys")["secret"].startswith("evt_")


def test_a_token_only_reads_unless_it_is_made_for_more(admin: APIClient) -> None:
    assert create(admin, "api-tokens")["scope"] == "read"
    for scope in Scope.values:
        made = create(admin, "api-tokens", scope=scope)
        assert made["scope"] == ApiToken.objects.get(pk=made["id"]).scope == scope


@of_each_kind
def test_a_revoked_key_stays_in_the_list_and_is_revoked_once(admin: APIClient, word: str) -> None:
    made = create(admin, word)
    assert admin.delete(f"/v1/{word}/{made['id']}").status_code == (200 if word == "signing-keys" else 204)
    [listed] = [key for key in admin.get(f"/v1/{word}").json()["data"] if key["id"] == made["id"]]
    assert listed["revoked_at"] is not None
    assert "already" in refused(admin.delete(f"/v1/{word}/{made['id']}"), 409)


def test_a_revoked_token_opens_nothing_from_then_on(admin: APIClient) -> None:
    made = create(admin, "api-tokens", scope="admin")
    other = showing(made["secret"])
    assert other.delete(f"/v1/api-tokens/{made['id']}").status_code == 204
    assert refused(other.get("/v1/whoami"), 401) == "API token not found"


@of_each_kind
@pytest.mark.parametrize("which", ["0", "999999", "9" * 19, "9" * 5_000, "-1", "x", "%00", ""])
def test_a_key_that_is_not_there_is_a_404(admin: APIClient, word: str, which: str) -> None:
    assert admin.delete(f"/v1/{word}/{which}").status_code == 404


@of_each_kind
def test_another_environments_keys_do_not_exist(admin: APIClient, other_environment: Environment, word: str) -> None:
    stranger = holder(other_environment, Scope.ADMIN)
    made = create(admin, word)
    theirs = [key["id"] for key in stranger.get(f"/v1/{word}").json()["data"]]
    assert made["id"] not in theirs
    assert str(made["id"]) in refused(stranger.delete(f"/v1/{word}/{made['id']}"), 404)
    assert KINDS[word]._default_manager.get(pk=made["id"]).revoked_at is None


@of_each_kind
@pytest.mark.parametrize("name", ["", " ", "x" * 101, "a\n", "a\0", "\x1b[2J", "\u202e", None, 1, {}])
def test_what_cannot_be_a_name_is_refused(admin: APIClient, word: str, name: object) -> None:
    before = KINDS[word]._default_manager.count()
    answer = admin.post(f"/v1/{word}", json.dumps({"name": name}), content_type="application/json")
    assert "ame" in refused(answer, 400)
    assert KINDS[word]._default_manager.count() == before


@of_each_kind
def test_names_may_be_of_any_script(admin: APIClient, word: str) -> None:
    assert create(admin, word, "größe 鍵 🦆 (2027)")["name"] == "größe 鍵 🦆 (2027)"


@of_each_kind
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"[]",
        b"{",
        b"\xff",
        b"[" * 5_000,
        b'{"name": "a", "environment": "other"}',
        b'{"name": "a"} x',
        b'{"name": "\\ud800"}',
    ],
)
def test_a_body_that_asks_for_nothing_we_know_is_refused(admin: APIClient, word: str, body: bytes) -> None:
    before = KINDS[word]._default_manager.count()
    refused(admin.post(f"/v1/{word}", body, content_type="application/json"), 400)
    assert KINDS[word]._default_manager.count() == before


@pytest.mark.parametrize("scope", ["root", "ADMIN", "", None, ["admin"]])
def test_a_scope_that_is_not_there_is_refused(admin: APIClient, scope: object) -> None:
    before = ApiToken.objects.count()
    answer = admin.post("/v1/api-tokens", {"name": "ci", "scope": scope}, format="json")
    assert "scope" in refused(answer, 400)
    assert ApiToken.objects.count() == before


@of_each_kind
def test_a_body_that_is_larger_than_an_event_may_be_is_refused(admin: APIClient, word: str, settings: Settings) -> None:
    settings.EVENT_MAX_BYTES = 100
    refused(admin.post(f"/v1/{word}", {"name": "x" * 100}, format="json"), 413)


@of_each_kind
def test_keys_are_listed_newest_first_a_page_at_a_time(admin: APIClient, word: str) -> None:
    for number in range(5):
        create(admin, word, str(number))
    found = [key["name"] for page in pages(admin, f"/v1/{word}", limit=2) for key in page]
    assert found[:5] == ["4", "3", "2", "1", "0"]
    cursor = admin.get(f"/v1/{word}", {"limit": 2}).json()["page"]["next_cursor"]
    for other in {*WORDS, "environments", "runs"} - {word}:
        refused(admin.get(f"/v1/{other}", {"cursor": cursor}), 400)


@of_each_kind
def test_there_are_so_many_live_keys_of_a_kind(admin: APIClient, word: str, settings: Settings) -> None:
    settings.KEYS_MAX = 3
    made = create(admin, word)
    while (answer := admin.post(f"/v1/{word}", {"name": "more"}, format="json")).status_code == 201:
        pass
    assert "KEYS_MAX" in refused(answer, 409)
    assert KINDS[word]._default_manager.count() == 3
    admin.delete(f"/v1/{word}/{made['id']}")
    create(admin, word)


def test_a_rotation_lets_the_newest_that_stands_by_sign(admin: APIClient) -> None:
    assert "stands by" in refused(admin.post("/v1/signing-keys/rotate"), 409)
    first = create(admin, "signing-keys", "one")
    assert "stands by" in refused(admin.post("/v1/signing-keys/rotate"), 409)
    second = create(admin, "signing-keys", "two")
    assert (first["current"], second["current"]) == (True, False)
    answer = admin.post("/v1/signing-keys/rotate")
    assert (answer.status_code, answer.json()["data"]["id"], answer.json()["data"]["current"]) == (
        200,
        second["id"],
        True,
    )
    assert {key["id"]: key["current"] for key in admin.get("/v1/signing-keys").json()["data"]} == {
        first["id"]: False,
        second["id"]: True,
    }


def test_revoking_says_whether_any_key_signs_still(admin: APIClient) -> None:
    first, second = create(admin, "signing-keys", "one"), create(admin, "signing-keys", "two")
    for key, unsigned in ((first, False), (second, True)):
        answer = admin.delete(f"/v1/signing-keys/{key['id']}")
        assert (answer.status_code, answer.json()["data"]) == (200, {"id": key["id"], "unsigned": unsigned})


@pytest.mark.usefixtures("in_production", "db")
@of_each_kind
def test_a_branch_environments_keys_are_its_parents(word: str) -> None:
    branch = create_environment("branch")
    environment_for_sync(branch, "fix")
    for name in ("fix", None, "not there yet"):
        client = holder(branch, Scope.ADMIN, branch=name)
        made = create(client, word)
        assert KINDS[word]._default_manager.get(pk=made["id"]).environment == branch
        assert made["id"] in [key["id"] for key in client.get(f"/v1/{word}").json()["data"]]
        assert client.delete(f"/v1/{word}/{made['id']}").status_code in (200, 204)


@pytest.mark.parametrize("path", ["/v1/event-keys", "/v1/signing-keys", "/v1/api-tokens", "/v1/environments"])
def test_who_does_not_administer_learns_what_that_takes(in_production: None, dev: Environment, path: str) -> None:
    needed = "This needs an API token of scope admin; "
    for scope in (Scope.READ, Scope.DEPLOY):
        client = holder(dev, scope)
        for answer in (client.get(path), client.post(path, {"name": "a"}, format="json")):
            assert refused(answer, 403) == f"{needed}this one has {scope}"
    assert refused(app_of(dev).get(path), 403) == f"{needed}a signing key has deploy"


def test_in_dev_mode_keys_are_those_of_dev(client: APIClient, dev: Environment) -> None:
    made = create(client, "event-keys")
    assert EventKey.objects.get(pk=made["id"]).environment == dev


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=120) | st.sampled_from(["read", "dev"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["name", "scope"]), inner),
    max_leaves=5,
)
BODIES = st.dictionaries(st.sampled_from(["name", "scope", "x"]), VALUES).map(json.dumps) | st.binary(max_size=40)


@hypothesis_settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(word=st.sampled_from([*WORDS, "environments"]), body=BODIES)
def test_no_body_is_a_500(client: APIClient, word: str, body: str | bytes) -> None:
    answer = client.post(f"/v1/{word}", body, content_type="application/json")
    assert answer.status_code in (201, 400, 409)
    assert ("error" in answer.json()) == (answer.status_code != 201)


@pytest.mark.django_db(transaction=True)
@of_each_kind
def test_of_two_who_revoke_a_key_at_once_one_does(word: str, settings: Settings) -> None:
    environment = dev_environment()
    settings.INNGEST_DEV, settings.ALLOWED_HOSTS = False, ["*"]
    admin = holder(environment, Scope.ADMIN)
    ids = [create(admin, word, str(number))["id"] for number in range(15)]
    first, second = holder(environment, Scope.ADMIN), holder(environment, Scope.ADMIN)

    def withdraw(client: APIClient, number: int) -> int:
        return int(client.delete(f"/v1/{word}/{ids[number]}").status_code)

    answered = race(15, lambda number: withdraw(first, number), lambda number: withdraw(second, number))
    for pair in zip(*answered, strict=True):
        assert sorted(pair) == [200 if word == "signing-keys" else 204, 409]


@pytest.mark.django_db(transaction=True)
@of_each_kind
def test_keys_made_at_once_are_no_more_than_there_may_be(word: str, settings: Settings) -> None:
    environment = dev_environment()
    settings.INNGEST_DEV, settings.ALLOWED_HOSTS = False, ["*"]
    first, second = holder(environment, Scope.ADMIN), holder(environment, Scope.ADMIN)
    there = KINDS[word]._default_manager.count()
    settings.KEYS_MAX = 10

    def add(client: APIClient, number: int) -> int:
        return int(client.post(f"/v1/{word}", {"name": str(number)}, format="json").status_code)

    answered = race(12, lambda number: add(first, number), lambda number: add(second, number))
    assert Counter(answered[0] + answered[1]) == {201: 10 - there, 409: 14 + there}
    assert KINDS[word]._default_manager.count() == 10


@pytest.mark.django_db(transaction=True)
def test_of_signing_keys_made_rotated_and_revoked_at_once_exactly_one_signs(settings: Settings) -> None:
    environment = dev_environment()
    settings.INNGEST_DEV, settings.ALLOWED_HOSTS = False, ["*"]
    create_signing_key(environment, "first")
    clients = [holder(environment, Scope.ADMIN) for _ in range(3)]

    def make(number: int) -> int:
        return int(clients[0].post("/v1/signing-keys", {"name": "one more"}, format="json").status_code)

    def turn(number: int) -> int:
        return int(clients[1].post("/v1/signing-keys/rotate").status_code)

    def withdraw(number: int) -> int:
        current = SigningKey.objects.filter(is_current=True).first()
        return 404 if current is None else int(clients[2].delete(f"/v1/signing-keys/{current.pk}").status_code)

    for _ in range(15):
        answered = race(1, make, turn, withdraw)
        assert {status for statuses in answered for status in statuses} <= {200, 201, 404, 409}
        live = SigningKey.objects.filter(environment=environment, revoked_at=None)
        assert live.filter(is_current=True).count() == (1 if live else 0)
