"""Deploys, what is live, and versions that never change."""

import pytest
from django.db import DatabaseError, IntegrityError, transaction

from apps.datastore.manifest import manifest_of
from apps.datastore.models import Environment, EventTrigger, Function, FunctionVersion
from apps.datastore.triggers import Start, find_starts
from apps.datastore.versions import load_version
from tests.functions import define, deploy, deploy_function, dev_environment, take_down
from tests.state.items import execute

pytestmark = pytest.mark.django_db


def starts(name: str = "test/event") -> list[Start]:
    environment = dev_environment().pk
    return find_starts({(environment, name)}).get((environment, name), [])


def test_a_deploy_makes_a_version_that_events_start() -> None:
    deployed = deploy(dev_environment(), define(), {"index.ts": "export {}"}, "/somewhere")
    assert deployed.changed
    assert deployed.version.number == 1
    function = Function.objects.get()
    assert function.live_version_id == deployed.version.pk
    assert starts() == [Start(function.pk, deployed.version.pk)]
    version = load_version(deployed.version.pk)
    assert (version.number, version.environment, version.folder) == (1, "dev", "/somewhere")
    assert version.manifest == manifest_of({"index.ts": b"export {}"})
    assert version.definition == define()


def test_the_same_deploy_again_changes_nothing() -> None:
    first = deploy(dev_environment(), define(), {"b": "2", "a": "1"})
    again = deploy(dev_environment(), define(), {"a": "1", "b": "2"})
    assert (again.changed, again.version.pk) == (False, first.version.pk)
    assert FunctionVersion.objects.count() == 1


@pytest.mark.parametrize("files", [{"a": "2"}, {"b": "1"}, {}])
def test_a_change_of_a_file_is_another_version(files: dict[str, str]) -> None:
    deploy(dev_environment(), define(), {"a": "1"})
    assert deploy(dev_environment(), define(), files).version.number == 2


def test_a_deploy_replaces_the_triggers() -> None:
    deploy_function(event="old/event")
    function = deploy_function(event="new/event")
    assert starts("old/event") == []
    assert starts("new/event") == [Start(function.pk, function.live_version_id)]  # type: ignore[arg-type]


def test_a_function_that_is_taken_down_starts_no_more_and_can_be_deployed_again() -> None:
    deploy_function()
    assert take_down(dev_environment(), "fn")
    assert starts() == []
    assert Function.objects.get().live_version is None
    assert not take_down(dev_environment(), "fn")
    assert not take_down(dev_environment(), "never-there")
    assert deploy(dev_environment(), define(), {}).version.number == 1
    assert len(starts()) == 1


def test_environments_do_not_see_each_other() -> None:
    other = Environment.objects.create(public_id="11111111-1111-4111-b111-111111111111", slug="other")
    deploy(other, define(), {})
    assert starts() == []
    deploy(dev_environment(), define(), {})
    assert len(starts()) == 1
    assert Function.objects.count() == 2


def test_a_deploy_that_fails_half_way_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    function = deploy_function()
    live = function.live_version_id

    def fails(*_: object, **options: object) -> None:
        raise IntegrityError

    monkeypatch.setattr(EventTrigger.objects, "bulk_create", fails)
    with pytest.raises(IntegrityError), transaction.atomic():
        deploy_function({"another": ()})
    function.refresh_from_db()
    assert function.live_version_id == live
    assert starts() == [Start(function.pk, live)]  # type: ignore[arg-type]
    assert FunctionVersion.objects.count() == 1


def test_a_version_never_changes() -> None:
    version = deploy_function().live_version
    assert version is not None
    version.manifest = "{}"
    with pytest.raises(DatabaseError, match="never changes"), transaction.atomic():
        version.save()
    for change in ("definition = '{}'", "number = 7", "folder = 'x'"):
        with pytest.raises(DatabaseError, match="never changes"), transaction.atomic():
            execute(f"UPDATE datastore_functionversion SET {change}")


def test_a_version_that_is_live_cannot_be_deleted() -> None:
    version = deploy_function().live_version
    assert version is not None
    with pytest.raises(IntegrityError), transaction.atomic():
        version.delete()


def test_numbers_are_unique_within_a_function() -> None:
    function = deploy_function()
    with pytest.raises(IntegrityError), transaction.atomic():
        FunctionVersion.objects.create(function=function, number=1, definition="{}", manifest="{}", digest="")


def test_a_version_that_is_not_there_is_said_so() -> None:
    with pytest.raises(FunctionVersion.DoesNotExist):
        load_version(0)


def test_all_starts_of_a_batch_are_found_at_once() -> None:
    one, two = deploy_function(slug="one"), deploy_function(slug="two")
    three = deploy_function(slug="three", event="b/event")
    environment = dev_environment().pk
    found = find_starts({(environment, "test/event"), (environment, "b/event"), (environment + 1, "b/event")})
    assert {name: [start.function_id for start in starts] for (_, name), starts in found.items()} == {
        "test/event": [one.pk, two.pk],
        "b/event": [three.pk],
    }
