"""Branch environments: made once, whoever asks at once, and never one of another key's."""

from contextlib import suppress

import pytest
from pytest_django import Settings

from apps.datastore import environments
from apps.datastore.environments import NoBranchError, environment_for, environment_for_sync
from apps.datastore.keys import BadName, NameTaken, TooMany, create_environment, create_environment_with_token
from apps.datastore.models import ApiToken, Environment, Scope
from tests.functions import dev_environment
from tests.state.racing import race

pytestmark = pytest.mark.django_db


def make_branch() -> Environment:
    return Environment.objects.create(public_id="22222222-1111-4111-b111-111111111111", slug="branch")


def test_a_child_called_as_another_environment_is_not_that_one() -> None:
    child = environment_for_sync(make_branch(), "dev")
    assert child != dev_environment()
    assert environment_for(child, "whatever") == child


def test_a_child_of_the_parents_name_is_a_child() -> None:
    parent = make_branch()
    child = environment_for_sync(parent, "branch")
    assert (child.parent, child != parent) == (parent, True)


def test_reading_makes_no_environment() -> None:
    with pytest.raises(NoBranchError, match="synced"):
        environment_for(make_branch(), "fix")
    assert not Environment.objects.filter(slug="branch/fix").exists()


@pytest.mark.django_db(transaction=True)
def test_two_first_syncs_at_once_make_one_environment() -> None:
    parent = make_branch()
    first, second = race(
        40,
        lambda number: environment_for_sync(parent, f"branch-{number}").pk,
        lambda number: environment_for_sync(parent, f"branch-{number}").pk,
    )
    assert first == second
    assert parent.branches.count() == 40


@pytest.mark.django_db(transaction=True)
def test_first_syncs_at_once_make_no_more_branches_than_there_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environments, "MAX_BRANCHES", 15)
    parent = make_branch()

    def sync(racer: str, number: int) -> None:
        with suppress(NoBranchError):
            environment_for_sync(parent, f"{racer}-{number}")

    race(20, lambda number: sync("a", number), lambda number: sync("b", number))
    assert parent.branches.count() == 15


def test_a_new_environment_comes_with_a_token_that_administers_it() -> None:
    made = create_environment_with_token("staging")
    token = ApiToken.objects.get()
    assert (made.environment.slug, made.environment.parent) == ("staging", None)
    assert (token.environment, token.scope, token.name) == (made.environment, Scope.ADMIN, "admin")
    assert made.token.row == token


@pytest.mark.parametrize(
    "name", ["", "a b", "a/b", "caf\u00e9", "a\n", "a\0", "x" * 101, "dev", "branch", "Branch", "DEV"]
)
def test_an_environment_has_a_name_of_its_own(name: str) -> None:
    dev_environment()
    with pytest.raises(BadName):
        create_environment_with_token(name)
    assert [environment.slug for environment in Environment.objects.all()] == ["dev"]


def test_two_environments_do_not_have_one_name() -> None:
    create_environment("staging")
    with pytest.raises(NameTaken, match="'staging' already"):
        create_environment_with_token("staging")
    assert not ApiToken.objects.exists()


def test_branches_are_not_counted_among_the_environments(settings: Settings) -> None:
    dev_environment()
    settings.ENVIRONMENTS_MAX = 3
    parent = make_branch()
    for number in range(5):
        environment_for_sync(parent, str(number))
    create_environment("staging")
    with pytest.raises(TooMany, match="ENVIRONMENTS_MAX"):
        create_environment("production")


@pytest.mark.django_db(transaction=True)
def test_environments_made_at_once_are_no_more_than_there_may_be(settings: Settings) -> None:
    dev_environment()
    settings.ENVIRONMENTS_MAX = 16

    def make(racer: str, number: int) -> None:
        with suppress(TooMany):
            create_environment_with_token(f"{racer}-{number}")

    race(20, lambda number: make("a", number), lambda number: make("b", number))
    assert Environment.objects.count() == 16
    assert ApiToken.objects.count() == 15


@pytest.mark.django_db(transaction=True)
def test_of_two_who_make_an_environment_of_one_name_at_once_one_does() -> None:
    def make(number: int) -> bool:
        try:
            create_environment_with_token(f"env-{number}")
        except NameTaken:
            return False
        return True

    first, second = race(20, make, make)
    assert [one != other for one, other in zip(first, second, strict=True)] == [True] * 20
