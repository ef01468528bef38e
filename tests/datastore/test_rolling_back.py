"""Live versions that go back, forth and away."""

from functools import partial

import pytest

from apps.datastore.definition.types import FunctionDefinition
from apps.datastore.deploying import Content
from apps.datastore.deploying import deploy as deploy_all
from apps.datastore.deploys import DeployConflict, last_deploy
from apps.datastore.models import CronTrigger, Environment, EventTrigger, Function, FunctionVersion, Release
from apps.datastore.rolling_back import (
    CannotMove,
    NoSuchFunction,
    NoSuchVersion,
    NothingBeneath,
    ServedByApp,
    archive,
    make_live,
    roll_back,
    roll_back_deploy,
)
from tests.crons import EVERY_MINUTE, define_crons
from tests.datastore.registrations import function, registered
from tests.functions import BY, define, deploy, deploy_function, dev_environment

pytestmark = pytest.mark.django_db


def variant(number: int, slug: str = "fn") -> FunctionDefinition:
    return define({f"step-{number}": ()}, slug=slug, event=f"test/{number}")


def deploy_variants(*numbers: int) -> None:
    for number in numbers:
        deploy(dev_environment(), variant(number))


def live(slug: str = "fn") -> int | None:
    version = Function.objects.select_related("live_version").get(slug=slug).live_version
    return None if version is None else version.number


def events() -> set[str]:
    return set(EventTrigger.objects.values_list("event_name", flat=True))


def test_a_rollback_goes_back_to_what_was_live_before() -> None:
    deploy_variants(1, 2)
    rolled = roll_back(dev_environment(), "fn", BY)
    (change,) = rolled.changes
    assert (change.kind, change.version, change.was, change.definition_changed) == ("restored", 1, 2, True)
    assert (live(), events()) == (1, {"test/1"})


def test_each_rollback_goes_one_deploy_further_back() -> None:
    deploy_variants(1, 2, 3)
    assert [change.version for _ in range(2) for change in roll_back(dev_environment(), "fn", BY).changes] == [2, 1]
    with pytest.raises(NothingBeneath, match="fn was nothing before"):
        roll_back(dev_environment(), "fn", BY)
    assert live() == 1


def test_after_a_rollback_and_a_deploy_a_rollback_skips_what_was_rolled_back() -> None:
    deploy_variants(1, 2)
    roll_back(dev_environment(), "fn", BY)
    deploy_variants(3)
    roll_back(dev_environment(), "fn", BY)
    assert live() == 1


def test_a_version_that_is_made_live_lies_above_what_was() -> None:
    deploy_variants(1, 2, 3)
    assert make_live(dev_environment(), "fn", 1, BY).deploy is not None
    assert (live(), events()) == (1, {"test/1"})
    assert make_live(dev_environment(), "fn", 1, BY).deploy is None
    roll_back(dev_environment(), "fn", BY)
    assert live() == 3


def test_an_archived_function_starts_no_more_until_it_is_rolled_back() -> None:
    deploy_variants(1)
    (change,) = archive(dev_environment(), "fn", BY).changes
    assert (change.kind, change.version, change.was, change.is_live) == ("archived", None, 1, False)
    assert (live(), events()) == (None, set())
    assert archive(dev_environment(), "fn", BY) == (None, 2, [])
    (change,) = roll_back(dev_environment(), "fn", BY).changes
    assert (change.kind, change.version, change.was) == ("restored", 1, None)
    assert events() == {"test/1"}


def test_crons_go_with_the_pointer() -> None:
    deploy(dev_environment(), define_crons(EVERY_MINUTE))
    deploy(dev_environment(), define())
    assert not CronTrigger.objects.exists()
    roll_back(dev_environment(), "fn", BY)
    assert CronTrigger.objects.get().version.number == 1
    archive(dev_environment(), "fn", BY)
    assert not CronTrigger.objects.exists()


def test_a_deploy_is_rolled_back_as_a_whole() -> None:
    deploy_variants(1)
    both = [Content(variant(2)), Content(variant(2, "new"))]
    deployed = deploy_all(dev_environment(), both, BY)
    assert deployed.deploy is not None
    rolled = roll_back_deploy(dev_environment(), deployed.deploy.number, BY._replace(kind="rollback"))
    assert {change.function_id: change.kind for change in rolled.changes} == {"fn": "restored", "new": "archived"}
    assert (live(), live("new"), events()) == (1, None, {"test/1"})
    assert rolled.deploy is not None
    assert rolled.deploy.undoes == deployed.deploy
    with pytest.raises(CannotMove, match="Deploy 3 is a rollback itself"):
        roll_back_deploy(dev_environment(), 3, BY)
    with pytest.raises(DeployConflict):
        roll_back_deploy(dev_environment(), 2, BY)


def test_a_deploy_of_which_a_function_was_moved_since_is_not_rolled_back() -> None:
    deploy_all(dev_environment(), [Content(variant(1, "a")), Content(variant(1, "b"))], BY)
    deploy(dev_environment(), variant(2, "b"))
    with pytest.raises(DeployConflict) as refused:
        roll_back_deploy(dev_environment(), 1, BY)
    (moved,) = refused.value.moved
    assert (moved.function_id, moved.was, moved.now, moved.deploy.number) == ("b", 1, 2, 2)
    assert (live("a"), live("b"), last_deploy(dev_environment())) == (1, 2, 2)


def test_what_was_not_seen_is_not_overwritten() -> None:
    deploy_variants(1, 2)
    for act in (
        partial(make_live, dev_environment(), "fn", 1, BY, base=1),
        partial(roll_back, dev_environment(), "fn", BY, base=1),
        partial(archive, dev_environment(), "fn", BY, base=1),
    ):
        with pytest.raises(DeployConflict, match="fn: changed by another deploy meanwhile"):
            act()
    assert live() == 2
    roll_back(dev_environment(), "fn", BY, base=2)
    assert live() == 1


def test_what_is_not_there_is_said_so() -> None:
    deploy_variants(1)
    other = Environment.objects.create(public_id="11111111-1111-4111-b111-111111111111", slug="other")
    for environment, slug in ((other, "fn"), (dev_environment(), "nothing")):
        with pytest.raises(NoSuchFunction, match=f"There is no function {slug}"):
            roll_back(environment, slug, BY)
    with pytest.raises(NoSuchVersion, match="fn has no version 2"):
        make_live(dev_environment(), "fn", 2, BY)
    with pytest.raises(CannotMove, match="There is no deploy 1"):
        roll_back_deploy(other, 1, BY)


def test_an_apps_functions_are_left_to_the_app() -> None:
    registered(dev_environment(), function("a"))
    for act in (
        partial(roll_back, dev_environment(), "a", BY),
        partial(make_live, dev_environment(), "a", 1, BY),
        partial(archive, dev_environment(), "a", BY),
        partial(roll_back_deploy, dev_environment(), 1, BY),
    ):
        with pytest.raises(ServedByApp, match="a is served by the app"):
            act()


def test_a_version_that_an_app_served_does_not_go_live_without_the_app() -> None:
    registered(dev_environment(), function("a"))
    registered(dev_environment())
    deploy(dev_environment(), variant(1, "a"))
    with pytest.raises(ServedByApp, match="Version 1 of a was served by an app"):
        make_live(dev_environment(), "a", 1, BY)
    assert live("a") == 2


def test_what_no_app_serves_any_more_is_whoever_s_declared_it() -> None:
    deploy(dev_environment(), variant(1, "a"))
    archive(dev_environment(), "a", BY)
    registered(dev_environment(), function("a"))
    registered(dev_environment())
    make_live(dev_environment(), "a", 1, BY)
    assert live("a") == 1
    assert Function.objects.get(slug="a").app is None


def test_a_version_that_cannot_be_read_is_not_made_live() -> None:
    deploy_variants(1)
    broken = FunctionVersion.objects.create(function=Function.objects.get(), number=7, definition='{"id": 1}')
    with pytest.raises(CannotMove, match="Version 7 cannot be read by this release"):
        make_live(dev_environment(), "fn", broken.number, BY)


def test_every_move_is_recorded_with_who_made_it() -> None:
    deploy_function()
    deploy(dev_environment(), variant(2))
    roll_back(dev_environment(), "fn", BY._replace(kind="rollback", actor="ci", note="it broke"))
    archive(dev_environment(), "fn", BY._replace(kind="archive"))
    told = Release.objects.order_by("id").values_list("deploy__number", "deploy__kind", "version__number")
    assert list(told) == [(1, "deploy", 1), (2, "deploy", 2), (3, "rollback", 1), (4, "archive", None)]
    assert (Release.objects.get(deploy__number=3).deploy.actor, last_deploy(dev_environment())) == ("ci", 4)
