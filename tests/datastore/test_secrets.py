"""Secrets: kept sealed at their own place, read again for steps alone, resealed with a new SECRET_KEY."""

import uuid
from collections.abc import Iterator
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import override_settings
from pytest_django import DjangoAssertNumQueries, Settings

from apps.datastore import read_secrets
from apps.datastore.models import Environment, Secret
from apps.datastore.read_secrets import secrets_of
from apps.datastore.sealing import CannotUnsealError
from apps.datastore.secrets import (
    BadSecret,
    TooManySecrets,
    check_name,
    list_secrets,
    remove_secret,
    set_secrets,
)
from tests.functions import dev_environment
from tests.state.racing import race

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def nothing_known() -> Iterator[None]:
    """As in a process that has just begun."""
    read_secrets._known.clear()
    yield
    read_secrets._known.clear()


@pytest.fixture
def shop() -> Environment:
    return Environment.objects.create(public_id="11111111-1111-4111-b111-111111111111", slug="shop")


@pytest.fixture
def branch() -> Environment:
    """A branch environment, with its parent."""
    parent = Environment.objects.create(public_id="22222222-1111-4111-b111-111111111111", slug="branch")
    return Environment.objects.create(public_id="33333333-1111-4111-b111-111111111111", slug="branch/x", parent=parent)


def values_of(environment: Environment) -> dict[str, str]:
    """What a step gets, read anew."""
    read_secrets._known.clear()
    return dict(secrets_of([environment.pk])[environment.pk].readable())


def reseal() -> str:
    out = StringIO()
    call_command("keys", "reseal", stdout=out, stderr=StringIO())
    return out.getvalue()


def test_a_secret_is_set_replaced_listed_and_removed(shop: Environment) -> None:
    value = 'several\nlines, "quotes", a 😀 and = signs '
    assert set_secrets(shop, {"B": value, "A": ""}, "ada") == (["A", "B"], [])
    assert values_of(shop) == {"A": "", "B": value}
    assert set_secrets(shop, {"B": "2", "C": "3"}, "bob") == (["C"], ["B"])
    listed = [(row.name, row.actor, row.created_at < row.updated_at) for row in list_secrets(shop)]
    assert listed == [("A", "ada", False), ("B", "bob", True), ("C", "bob", False)]
    assert remove_secret(shop, "B")
    assert not remove_secret(shop, "B")
    assert values_of(shop) == {"A": "", "C": "3"}


def test_an_environment_sees_its_own_alone(shop: Environment) -> None:
    set_secrets(shop, {"A": "of the shop"}, "ada")
    dev = dev_environment()
    assert values_of(dev) == {}
    assert list_secrets(dev) == []
    assert not remove_secret(dev, "A")


def test_a_branch_has_its_parents_and_its_own_win(branch: Environment) -> None:
    assert branch.parent is not None
    set_secrets(branch.parent, {"A": "parent", "B": "parent"}, "ada")
    set_secrets(branch, {"B": "branch"}, "ada")
    assert values_of(branch) == {"A": "parent", "B": "branch"}
    assert values_of(branch.parent) == {"A": "parent", "B": "parent"}
    assert [(row.name, row.environment.slug) for row in list_secrets(branch)] == [("A", "branch"), ("B", "branch/x")]
    remove_secret(branch, "B")
    assert values_of(branch)["B"] == "parent"


@pytest.mark.parametrize("name", ["", "1A", "A-B", "A B", "A=B", "Ä", "A\n", "A" * 256, "PATH", "HOME", "LD_PRELOAD"])
def test_a_name_that_no_variable_of_ours_has_is_refused(name: str) -> None:
    with pytest.raises(BadSecret):
        check_name(name)


@pytest.mark.parametrize("name", ["A", "_", "a1", "A" * 255, "PATHS", "OLD_PATH"])
def test_other_names_are_taken(name: str) -> None:
    check_name(name)


@pytest.mark.parametrize("value", ["hush\0", "hush\ud800", "hush" * 5])
def test_a_bad_value_sets_nothing_and_is_not_told(shop: Environment, settings: Settings, value: str) -> None:
    settings.SECRET_MAX_BYTES = 19
    with pytest.raises(BadSecret, match="B") as refused:
        set_secrets(shop, {"A": "1", "B": value}, "ada")
    assert "hush" not in str(refused.value)
    assert values_of(shop) == {}


def test_there_are_no_more_than_there_may_be(shop: Environment, settings: Settings) -> None:
    settings.SECRETS_MAX = 2
    set_secrets(shop, {"A": "1", "B": "1"}, "ada")
    with pytest.raises(TooManySecrets, match="SECRETS_MAX"):
        set_secrets(shop, {"A": "2", "C": "2"}, "ada")
    assert values_of(shop) == {"A": "1", "B": "1"}
    set_secrets(shop, {"A": "2", "B": "2"}, "ada")


def test_they_are_no_larger_together_than_they_may_be(shop: Environment, settings: Settings) -> None:
    settings.SECRETS_MAX_BYTES = 10
    set_secrets(shop, {"A": "äää", "B": "1234"}, "ada")
    with pytest.raises(TooManySecrets, match=r"11 bytes together.*SECRETS_MAX_BYTES"):
        set_secrets(shop, {"A": "äää!"}, "ada")
    assert values_of(shop) == {"A": "äää", "B": "1234"}
    set_secrets(shop, {"A": "123456", "B": "123"}, "ada")
    remove_secret(shop, "A")
    set_secrets(shop, {"C": "1234567"}, "ada")


def test_environments_that_are_gone_or_too_many_are_not_kept(
    shop: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_secrets(shop, {"A": "1"}, "ada")
    pk, dev = shop.pk, dev_environment()
    assert secrets_of([pk, dev.pk])[pk].values == {"A": "1"}
    shop.delete()
    let_a_second_pass()
    assert secrets_of([pk])[pk].values == {}
    assert set(read_secrets._known) == {dev.pk}
    monkeypatch.setattr(read_secrets, "KEPT_MOST", 2)
    made = [Environment.objects.create(public_id=uuid.uuid4(), slug=f"e{number}") for number in range(3)]
    for one in made:
        secrets_of([one.pk])
    assert set(read_secrets._known) == {one.pk for one in made[1:]}
    assert secrets_of([one.pk for one in made]).keys() == {one.pk for one in made}


def test_a_process_of_the_release_before_can_make_an_environment() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO datastore_environment (public_id, slug, deploys, created_at)"
            " VALUES (gen_random_uuid(), 'old', 0, now()) RETURNING secret_changes"
        )
        assert cursor.fetchone() == (0,)


def test_they_are_looked_at_once_a_second_and_read_when_they_change(
    shop: Environment, branch: Environment, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    set_secrets(shop, {"A": "1"}, "ada")
    both = [shop.pk, branch.pk]
    with django_assert_num_queries(2):
        first = secrets_of(both)[shop.pk]
    with django_assert_num_queries(0):
        assert secrets_of(both)[shop.pk] is first
    let_a_second_pass()
    with django_assert_num_queries(1):
        assert secrets_of(both)[shop.pk] is first
    set_secrets(shop, {"A": "2"}, "ada")
    let_a_second_pass()
    with django_assert_num_queries(2):
        assert secrets_of(both)[shop.pk].values == {"A": "2"}
    assert branch.parent is not None
    set_secrets(branch.parent, {"P": "1"}, "ada")
    let_a_second_pass()
    assert secrets_of(both)[branch.pk].values == {"P": "1"}


def let_a_second_pass() -> None:
    for environment, known in read_secrets._known.items():
        read_secrets._known[environment] = known._replace(until=0.0)


def test_a_secret_is_good_at_its_own_place_alone(shop: Environment) -> None:
    dev = dev_environment()
    set_secrets(shop, {"A": "of the shop"}, "ada")
    set_secrets(dev, {"A": "mine", "B": "mine"}, "mallory")
    sealed = Secret.objects.get(environment=shop).sealed
    Secret.objects.filter(environment=dev, name="B").update(sealed=sealed)
    read_secrets._known.clear()
    found = secrets_of([shop.pk, dev.pk])
    assert found[shop.pk].readable() == {"A": "of the shop"}
    with pytest.raises(CannotUnsealError, match=r"^B: .* not sealed for the place"):
        found[dev.pk].readable()


def test_a_branchs_own_secret_stands_in_for_one_that_cannot_be_read(branch: Environment) -> None:
    assert branch.parent is not None
    set_secrets(branch.parent, {"A": "1"}, "ada")
    Secret.objects.update(sealed="spoilt")
    Environment.objects.update(secret_changes=5)
    with pytest.raises(CannotUnsealError):
        values_of(branch)
    set_secrets(branch, {"A": "2"}, "ada")
    assert values_of(branch) == {"A": "2"}


def test_the_secret_key_can_be_changed_and_the_old_one_dropped_after_resealing(shop: Environment) -> None:
    values = {f"NAME_{number}": f"value {number}" for number in range(20)}
    with override_settings(SECRET_KEY="old"):
        set_secrets(shop, values, "ada")
        set_secrets(dev_environment(), {"A": "1"}, "ada")
    with override_settings(SECRET_KEY="new", SECRET_KEY_FALLBACKS=[]):
        with pytest.raises(CannotUnsealError, match="SECRET_KEY_FALLBACKS"):
            values_of(shop)
        with pytest.raises(CommandError, match=r"of (shop|dev): .*SECRET_KEY_FALLBACKS"):
            reseal()
    with override_settings(SECRET_KEY="new", SECRET_KEY_FALLBACKS=["old"]):
        assert values_of(shop) == values
    with override_settings(SECRET_KEY="new", SECRET_KEY_FALLBACKS=[]), pytest.raises(CannotUnsealError):
        values_of(shop)
    with override_settings(SECRET_KEY="new", SECRET_KEY_FALLBACKS=["old"]):
        assert "21 secrets are sealed" in reseal()
    with override_settings(SECRET_KEY="new", SECRET_KEY_FALLBACKS=[]):
        let_a_second_pass()  # a worker that runs already reads them again
        assert secrets_of([shop.pk])[shop.pk].readable() == values
        assert values_of(shop) == values
        assert values_of(dev_environment()) == {"A": "1"}


def test_no_table_has_a_secret_in_clear(shop: Environment) -> None:
    value = "a-value-that-is-found-nowhere-else"
    set_secrets(shop, {"A": value}, "ada")
    set_secrets(shop, {"A": value, "B": value}, "ada")
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT string_agg(t::text, chr(10)) FROM "{table}" AS t')
            [(text,)] = cursor.fetchall()
            assert value not in (text or ""), table


@pytest.mark.django_db(transaction=True)
def test_those_who_set_at_once_leave_no_more_than_there_may_be(settings: Settings) -> None:
    settings.SECRETS_MAX = 5
    environment = dev_environment()

    def set_some(number: int) -> None:
        try:
            set_secrets(environment, {f"N{number}": "1", f"M{number % 4}": "2"}, "ada")
        except TooManySecrets:
            remove_secret(environment, f"N{number - 3}")

    def reseal_all(number: int) -> None:
        reseal()

    race(12, set_some, set_some, reseal_all)
    count = Secret.objects.filter(environment=environment).count()
    assert 1 <= count <= 5
    assert len(values_of(environment)) == count
