"""Branch environments: made once, whoever asks at once, and never one of another key's."""

import pytest

from apps.datastore.environments import NoBranchError, environment_for, environment_for_sync
from apps.datastore.models import Environment
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
