"""Registrations made live: all of an app or nothing, each function only when it has changed, and races of both."""

import logging
from functools import partial
from typing import Any

import pytest
from django.core.exceptions import ObjectDoesNotExist
from pytest_django import DjangoAssertNumQueries, DjangoCaptureOnCommitCallbacks

from apps.datastore.definition.faults import InvalidDefinition
from apps.datastore.models import App, CronTrigger, Environment, EventTrigger, Function, FunctionVersion
from apps.datastore.registering import Registered, note_refusal
from apps.datastore.versions import load_version
from apps.runner.consume_events import consume_events
from apps.state.models import Run
from tests.datastore.registrations import function, registered
from tests.functions import append, define, deploy, deploy_function, dev_environment, take_down
from tests.state.racing import race

pytestmark = pytest.mark.django_db


def register(*functions: dict[str, Any], **fields: Any) -> Registered:
    return registered(dev_environment(), *functions, **fields)


def live() -> dict[str, int]:
    """The number of the live version of each function that has one."""
    found = Function.objects.filter(live_version__isnull=False).select_related("live_version")
    return {one.slug: one.live_version.number for one in found if one.live_version is not None}


def triggers() -> set[str]:
    return set(EventTrigger.objects.values_list("function__slug", flat=True))


def test_an_apps_functions_go_live_and_are_the_apps() -> None:
    done = register(function("a"), function("b", triggers=[{"cron": "* * * * *"}]), appVersion="v1")
    assert (done.modified, sorted(done.changed), done.archived) == (True, ["a", "b"], [])
    app = App.objects.get()
    assert (app.slug, app.sdk, app.framework, app.app_version, app.error) == ("shop", "js:v4.24.0", "express", "v1", "")
    assert app.synced_at is not None
    assert (done.app_id, done.sync_id) == (app.public_id, app.sync_id)
    assert live() == {"a": 1, "b": 1}
    assert set(Function.objects.values_list("app", flat=True)) == {app.pk}
    assert triggers() == {"a"}
    assert CronTrigger.objects.get().function.slug == "b"


def test_the_same_again_changes_nothing() -> None:
    first = register(function("a"), function("b"))
    again = register(function("a"), function("b"))
    assert (again.modified, again.changed, again.archived) == (False, [], [])
    assert (again.sync_id, again.app_id) == (first.sync_id, first.app_id)
    assert FunctionVersion.objects.count() == 2
    assert first.app.synced_at is not None
    assert again.app.synced_at is not None
    assert again.app.synced_at >= first.app.synced_at


def test_only_what_has_changed_gets_a_version() -> None:
    first = register(function("a"), function("b"))
    again = register(function("a"), function("b", name="other"))
    assert (again.modified, again.changed) == (True, ["b"])
    assert again.sync_id != first.sync_id
    assert live() == {"a": 1, "b": 2}


def test_a_change_of_the_app_alone_is_one() -> None:
    register(function("a"), appVersion="v1")
    again = register(function("a"), appVersion="v2")
    assert (again.modified, again.changed) == (True, [])


def test_what_the_app_no_longer_has_is_archived_and_its_runs_go_on() -> None:
    register(function("a"), function("b", triggers=[{"cron": "* * * * *"}]))
    append()
    consume_events()
    gone = register(function("c"))
    assert (gone.modified, sorted(gone.archived), gone.changed) == (True, ["a", "b"], ["c"])
    assert (live(), triggers()) == ({"c": 1}, {"c"})
    assert not CronTrigger.objects.exists()
    run = Run.objects.get()
    assert (run.status, load_version(run.version_id).definition.id) == ("queued", "a")
    assert register(function("c")).archived == []


def test_a_function_that_comes_back_is_what_it_was_or_goes_on_counting() -> None:
    register(function("a"))
    register()
    assert live() == {}
    assert register(function("a")).changed == ["a"]
    assert live() == {"a": 1}
    register()
    register(function("a", name="other"))
    assert live() == {"a": 2}


def test_an_id_of_a_declared_function_is_taken_until_that_is_taken_down() -> None:
    deploy_function(slug="a")
    with pytest.raises(InvalidDefinition, match=r"functions\[1\]\.id: 'a' is a declared function already"):
        register(function("b"), function("a"))
    assert live() == {"a": 1}
    assert take_down(dev_environment(), "a")
    register(function("b"), function("a"))
    assert live() == {"a": 2, "b": 1}
    assert Function.objects.get(slug="a").app is not None


def test_an_id_of_another_app_is_taken_until_that_lets_it_go() -> None:
    register(function("a"), appName="first")
    with pytest.raises(InvalidDefinition, match="'a' is a function of the app 'first' already"):
        register(function("b"), function("a"), appName="second")
    assert live() == {"a": 1}
    register(appName="first")
    register(function("a"), appName="second")
    owner = Function.objects.get().app
    assert owner is not None
    assert owner.slug == "second"


def test_a_declared_function_does_not_take_an_apps_id() -> None:
    register(function("a"))
    with pytest.raises(InvalidDefinition, match="an app has registered"):
        deploy_function(slug="a")
    register()
    assert deploy(dev_environment(), define(slug="a"), {}).version.number == 2
    assert Function.objects.get().app is None


def test_apps_and_functions_are_of_their_environment() -> None:
    other = Environment.objects.create(public_id="11111111-1111-4111-b111-111111111111", slug="other")
    register(function("a"))
    assert registered(other, function("a")).modified
    assert App.objects.count() == Function.objects.count() == 2
    registered(other)
    assert live() == {"a": 1}


def test_a_registration_that_fails_half_way_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    register(function("a"), function("b"))

    def fails(*_: object, **options: object) -> None:
        raise ObjectDoesNotExist

    monkeypatch.setattr(EventTrigger.objects, "bulk_create", fails)
    with pytest.raises(ObjectDoesNotExist):
        register(function("a", name="other"), function("c"))
    assert (live(), triggers()) == ({"a": 1, "b": 1}, {"a", "b"})


def test_what_is_not_enforced_is_said_once_for_each_change(
    caplog: pytest.LogCaptureFixture, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    limited = function("a", concurrency=2, debounce={"period": "5s"})
    with caplog.at_level(logging.WARNING), django_capture_on_commit_callbacks(execute=True):
        register(limited, function("b"))
        register(limited, function("b", name="other"))
    (record,) = caplog.records
    assert record.levelname == "WARNING"
    assert "a asks for what this server does not enforce yet: concurrency, debounce" in record.getMessage()
    version = Function.objects.get(slug="a").live_version
    assert version is not None
    assert load_version(version.pk).definition.not_enforced == ("concurrency", "debounce")


def test_a_refusal_is_kept_until_the_app_registers_again() -> None:
    register(function("a"))
    note_refusal(dev_environment(), "shop", "something is wrong")
    note_refusal(dev_environment(), "never-there", "something is wrong")
    assert App.objects.get().error == "something is wrong"
    register(function("a"))
    assert App.objects.get().error == ""


@pytest.mark.parametrize("count", [1, 200])
def test_many_functions_cost_as_many_statements_as_one(
    count: int, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    functions = [function(f"fn-{number}") for number in range(count)]
    with django_assert_max_num_queries(27):
        assert len(register(*functions).changed) == count
    with django_assert_max_num_queries(15):
        assert not register(*functions).modified


def numbered(number: int, count: int = 5) -> list[dict[str, Any]]:
    """Functions that all differ from those of other numbers; of an odd number one is left out."""
    return [function(f"fn-{one}", name=f"{number}") for one in range(count - number % 2)]


@pytest.mark.django_db(transaction=True)
def test_of_two_registrations_at_once_both_count_and_one_of_them_is_live() -> None:
    environment, rounds = dev_environment(), 40
    done = race(
        rounds,
        lambda number: registered(environment, *numbered(2 * number)),
        lambda number: registered(environment, *numbered(2 * number + 1)),
        spread=0.005,
    )
    assert all(one.modified for each in done for one in each)
    assert App.objects.count() == 1
    versions = Function.objects.exclude(live_version=None).values_list("live_version__id", flat=True)
    (name,) = {load_version(version).definition.name for version in versions}
    assert len(live()) == 5 - int(name) % 2
    assert triggers() == set(live())
    for one in Function.objects.all():
        numbers = sorted(one.versions.values_list("number", flat=True))
        assert numbers == list(range(1, len(numbers) + 1))


@pytest.mark.django_db(transaction=True)
def test_the_same_registration_twice_at_once_changes_something_once() -> None:
    environment = dev_environment()

    def again(number: int) -> bool:
        return registered(environment, *numbered(2 * number)).modified

    first, second = race(40, again, again)
    assert [one + other for one, other in zip(first, second, strict=True)] == [1] * 40
    assert FunctionVersion.objects.count() == 200


@pytest.mark.django_db(transaction=True)
def test_two_apps_that_want_the_same_functions_do_not_wait_for_each_other_for_ever() -> None:
    environment = dev_environment()

    def want(app: str, slugs: list[str], _: int = 0) -> bool:
        try:
            registered(environment, *map(function, slugs), appName=app)
        except InvalidDefinition:
            return False
        return True

    for number in range(40):
        slugs = [f"fn-{number}-{one}" for one in range(30)]
        (one,), (other,) = race(1, partial(want, "one", slugs), partial(want, "other", slugs[::-1]))
        assert one != other
        owners = set(Function.objects.exclude(live_version=None).values_list("app__slug", flat=True))
        assert owners == {"one" if one else "other"}
        assert want("one" if one else "other", [])


@pytest.mark.django_db(transaction=True)
def test_no_event_starts_a_half_registered_set() -> None:
    environment = dev_environment()
    registered(environment, *numbered(0))

    def register_another(number: int) -> None:
        registered(environment, *numbered(number))

    def start(number: int) -> None:
        for _ in range(6):
            append()
            consume_events()

    race(60, register_another, start, spread=0.01)
    started: dict[int, list[str]] = {}
    for run in Run.objects.all():
        started.setdefault(run.event_seq, []).append(load_version(run.version_id).definition.name)
    assert len(started) == 360
    for names in started.values():
        assert len(set(names)) == 1
        assert len(names) == 5 - int(names[0]) % 2
    assert len({names[0] for names in started.values()}) > 10
