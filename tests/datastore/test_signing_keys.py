"""Signing keys: kept sealed, known by what clients show, rotated without a refused call."""

from collections.abc import Iterator
from contextlib import suppress
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import override_settings
from pytest_django import DjangoAssertNumQueries

from apps.datastore import signing_keys
from apps.datastore.keys import digest_of
from apps.datastore.models import Environment, SigningKey
from apps.datastore.sealing import CannotUnsealError, seal, unseal
from apps.datastore.signing_keys import (
    NoStandbyError,
    create_signing_key,
    current_signing_key,
    key_of_bearer,
    live_signing_keys,
    revoke_signing_key,
    rotate,
)
from drivers.signing import bearer_of, without_prefix
from tests.functions import dev_environment
from tests.state.racing import race

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def nothing_known() -> Iterator[None]:
    """As in a process that has just begun."""
    signing_keys._current.clear()
    yield
    signing_keys._current.clear()


@pytest.fixture
def shop() -> Environment:
    return Environment.objects.create(public_id="11111111-1111-4111-b111-111111111111", slug="my-shop")


def signs(environment: Environment) -> str | None:
    """The key that signs, read anew."""
    signing_keys._current.clear()
    return current_signing_key(environment.pk)


def environment_of_bearer(token: str) -> Environment | None:
    key = key_of_bearer(token)
    return None if key is None else key.environment


def manage(*arguments: str) -> str:
    out = StringIO()
    call_command("keys", *arguments, stdout=out, stderr=StringIO())
    return out.getvalue().strip()


def test_a_key_is_of_the_form_that_the_sdks_take_apart(shop: Environment) -> None:
    key = create_signing_key(shop, "app")
    prefix, name, secret = key.split("-")
    assert (prefix, name, len(bytes.fromhex(secret))) == ("signkey", "my_shop", 32)


def test_the_first_key_signs_and_the_next_ones_stand_by_until_a_rotation(shop: Environment) -> None:
    first, second, third = (create_signing_key(shop, name) for name in ("one", "two", "three"))
    assert signs(shop) == first
    assert live_signing_keys(shop.pk) == [first, third, second]
    rotate(shop)
    assert signs(shop) == third
    assert live_signing_keys(shop.pk) == [third, second, first]


def test_all_live_keys_are_known_by_their_hash_and_by_nothing_else(shop: Environment) -> None:
    first, second = create_signing_key(shop, "one"), create_signing_key(shop, "two")
    assert environment_of_bearer(bearer_of(first)) == environment_of_bearer(bearer_of(second)) == shop
    assert environment_of_bearer(without_prefix(bearer_of(first))) == shop
    for wrong in (
        first,
        without_prefix(first),
        bearer_of(first).upper(),
        bearer_of(first) + "0",
        "",
        "signkey-my_shop-",
    ):
        assert environment_of_bearer(wrong) is None
    revoke_signing_key(first)
    assert environment_of_bearer(bearer_of(first)) is None
    assert environment_of_bearer(bearer_of(second)) == shop


def test_keys_are_of_their_own_environment(shop: Environment) -> None:
    ours, theirs = create_signing_key(dev_environment(), "a"), create_signing_key(shop, "a")
    assert (signs(dev_environment()), signs(shop)) == (ours, theirs)
    with pytest.raises(NoStandbyError):
        rotate(shop)


def test_a_key_is_revoked_within_its_own_environment(shop: Environment) -> None:
    key = create_signing_key(shop, "app")
    number = str(SigningKey.objects.get().pk)
    for which in (key, number):
        assert revoke_signing_key(which, within=dev_environment()) == (False, False)
    assert revoke_signing_key(number, within=shop) == (True, True)


def test_what_rotates_says_that_it_signs(shop: Environment) -> None:
    first, second = create_signing_key(shop, "one"), create_signing_key(shop, "two")
    turned = rotate(shop)
    assert (turned.name, turned.is_current) == ("two", True)
    assert live_signing_keys(shop.pk) == [second, first]


def test_a_rotation_refuses_no_call(shop: Environment) -> None:
    """At each stage what signs is known to the app, as its key or its fallback, and the app's key is accepted."""
    old = create_signing_key(shop, "old")
    app = {old}
    new = create_signing_key(shop, "new")
    assert signs(shop) in app
    app = {new, old}
    assert signs(shop) in app
    rotate(shop)
    assert signs(shop) == new
    assert all(environment_of_bearer(bearer_of(key)) == shop for key in app)
    revoke_signing_key(old)
    assert signs(shop) in {new}
    assert environment_of_bearer(bearer_of(new)) == shop


def test_when_the_current_key_is_revoked_the_newest_standby_signs(shop: Environment) -> None:
    first, second = create_signing_key(shop, "one"), create_signing_key(shop, "two")
    assert revoke_signing_key(first) == (True, False)
    assert signs(shop) == second
    assert revoke_signing_key(second) == (True, True)
    assert signs(shop) is None
    assert revoke_signing_key(second) == (False, False)


def test_a_key_is_revoked_by_its_text_its_hash_or_its_number(shop: Environment) -> None:
    first, second = create_signing_key(shop, "one"), create_signing_key(shop, "two")
    third = SigningKey.objects.get(digest=digest_of(without_prefix(bearer_of(create_signing_key(shop, "three")))))
    for which in (first, bearer_of(second), str(third.pk)):
        assert revoke_signing_key(which).found
    assert live_signing_keys(shop.pk) == []


def test_the_current_key_is_read_once_a_second_at_most(
    shop: Environment, django_assert_num_queries: DjangoAssertNumQueries, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = create_signing_key(shop, "app")
    with django_assert_num_queries(1):
        assert {current_signing_key(shop.pk) for _ in range(100)} == {key}
    monkeypatch.setattr(signing_keys, "CACHED_SECONDS", -1.0)
    signing_keys._current.clear()
    with django_assert_num_queries(2):
        assert {current_signing_key(shop.pk) for _ in range(2)} == {key}


def test_that_there_is_no_key_is_remembered_too(
    shop: Environment, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(1):
        assert {current_signing_key(shop.pk) for _ in range(100)} == {None}


def test_a_branch_environment_has_its_parents_keys(shop: Environment) -> None:
    parent = Environment.objects.create(public_id="22222222-1111-4111-b111-111111111111", slug="branch")
    child = Environment.objects.create(
        public_id="33333333-1111-4111-b111-111111111111", slug="branch/fix", parent=parent
    )
    key = create_signing_key(parent, "app")
    assert signs(child) == signs(parent) == key
    assert live_signing_keys(child.pk) == [key]


def test_the_database_holds_no_key_that_can_be_read(shop: Environment) -> None:
    key = create_signing_key(shop, "app")
    with connection.cursor() as cursor:
        cursor.execute("SELECT s::text FROM datastore_signingkey AS s")
        (row,) = cursor.fetchone()
    for part in (key, key.split("-")[2], bearer_of(key), bearer_of(key).split("-")[2]):
        assert part not in row
    assert seal(key) != seal(key)


def test_the_secret_key_can_be_changed_and_the_old_one_dropped_after_resealing(shop: Environment) -> None:
    with override_settings(SECRET_KEY="old"):
        key = create_signing_key(shop, "app")
    with override_settings(SECRET_KEY="new", SECRET_KEY_FALLBACKS=[]):
        with pytest.raises(CannotUnsealError, match="SECRET_KEY_FALLBACKS"):
            signs(shop)
        with pytest.raises(CommandError, match="SECRET_KEY_FALLBACKS"):
            manage("reseal")
    with override_settings(SECRET_KEY="new", SECRET_KEY_FALLBACKS=["other", "old"]):
        assert signs(shop) == key
        manage("reseal")
    with override_settings(SECRET_KEY="new", SECRET_KEY_FALLBACKS=[]):
        assert signs(shop) == key


def test_what_was_tampered_with_is_not_unsealed() -> None:
    sealed = seal("secret")
    with pytest.raises(CannotUnsealError):
        unseal(sealed[:-4] + "AAA=")


def test_the_command_creates_rotates_lists_and_revokes(shop: Environment) -> None:
    first, second = manage("create-signing-key", "my-shop", "one"), manage("create-signing-key", "my-shop", "two")
    listed = manage("list")
    assert "current  one" in listed
    assert "standby  two" in listed
    assert first not in listed
    assert bearer_of(first).split("-")[2][:12] in listed
    manage("rotate", "signing", "my-shop")
    assert signs(shop) == second
    manage("revoke-signing-key", first)
    assert "revoked" in manage("list")
    with pytest.raises(CommandError, match="No key stands by"):
        manage("rotate", "signing", "my-shop")
    with pytest.raises(CommandError, match="No live key"):
        manage("revoke-signing-key", first)
    with pytest.raises(CommandError, match="no environment"):
        manage("rotate", "signing", "nowhere")


@pytest.mark.django_db(transaction=True)
def test_of_keys_created_rotated_and_revoked_at_once_exactly_one_signs() -> None:
    environment = dev_environment()
    create_signing_key(environment, "first")

    def create(number: int) -> None:
        create_signing_key(environment, str(number))

    def turn(number: int) -> None:
        with suppress(NoStandbyError):
            rotate(environment)

    def withdraw(number: int) -> None:
        current = SigningKey.objects.filter(is_current=True).first()
        if current is not None:
            revoke_signing_key(str(current.pk))

    for _ in range(40):
        race(1, create, turn, withdraw)
        live = SigningKey.objects.filter(environment=environment, revoked_at=None)
        assert live.filter(is_current=True).count() == (1 if live else 0)
