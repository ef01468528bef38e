"""Deploys of several functions: all or none, once for the same content, and never over what was not seen."""

from collections.abc import Sequence

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.datastore.changes import Change, FileChanges
from apps.datastore.definition.faults import InvalidDefinition
from apps.datastore.definition.types import FunctionDefinition
from apps.datastore.deploying import Content, deploy
from apps.datastore.deploys import DeployConflict, last_deploy
from apps.datastore.models import Blob, Deploy, EventTrigger, Function, FunctionVersion, Release
from apps.datastore.rolling_back import roll_back, roll_back_deploy
from tests.datastore.registrations import function, registered
from tests.functions import BY, define, dev_environment
from tests.state.racing import race

pytestmark = pytest.mark.django_db


def variant(number: int, slug: str = "fn") -> FunctionDefinition:
    return define({f"step-{number}": ()}, slug=slug)


def kinds(changes: Sequence[Change]) -> dict[str, str]:
    return {change.function_id: change.kind for change in changes}


def rows() -> list[int]:
    return [model.objects.count() for model in (Function, FunctionVersion, Deploy, Release, EventTrigger, Blob)]


def test_several_functions_are_one_deploy() -> None:
    deploy(dev_environment(), [Content(variant(1, "a")), Content(variant(1, "b"))], BY)
    deployed = deploy(
        dev_environment(), [Content(variant(2, "a")), Content(variant(1, "b")), Content(variant(1, "c"))], BY
    )
    assert kinds(deployed.changes) == {"a": "changed", "b": "unchanged", "c": "new"}
    assert deployed.deploy is not None
    assert (deployed.deploy.number, deployed.base) == (2, 2)
    assert {version.number for version in deployed.deploy.versions.all()} == {1, 2}


def test_the_same_content_again_changes_nothing_and_says_so() -> None:
    contents = [Content(variant(1, "a"), {"x": b"\0\xff"}), Content(variant(1, "b"))]
    deploy(dev_environment(), contents, BY)
    before = rows()
    again = deploy(dev_environment(), contents, BY)
    assert (again.deploy, again.base, kinds(again.changes)) == (None, 1, {"a": "unchanged", "b": "unchanged"})
    assert rows() == before


def test_what_a_function_was_before_is_that_version_again() -> None:
    for number in (1, 2):
        deploy(dev_environment(), [Content(variant(number))], BY)
    (change,) = deploy(dev_environment(), [Content(variant(1))], BY).changes
    assert (change.kind, change.version, change.was, change.is_live) == ("restored", 1, 2, True)
    assert FunctionVersion.objects.count() == 2


def test_a_deploy_tells_which_files_differ_from_what_was_live() -> None:
    deploy(dev_environment(), [Content(variant(1), {"a": b"1", "b": b"1", "c": b"1"})], BY)
    (change,) = deploy(dev_environment(), [Content(variant(1), {"a": b"1", "b": b"2", "d": b"1"})], BY).changes
    assert (change.files, change.definition_changed) == (FileChanges(["d"], ["b"], ["c"]), False)


def test_content_is_stored_once_whoever_deploys_it() -> None:
    deploy(
        dev_environment(), [Content(variant(1, slug), {"same": b"x" * 9, slug: slug.encode()}) for slug in "abc"], BY
    )
    assert Blob.objects.count() == 4


def test_a_deploy_that_is_not_to_go_live_leaves_what_is_live() -> None:
    deploy(dev_environment(), [Content(variant(1))], BY)
    (change,) = deploy(
        dev_environment(),
        [
            Content(variant(2)),
        ],
        BY,
        live=False,
    ).changes
    assert (change.kind, change.version, change.was, change.is_live) == ("changed", 2, 1, False)
    assert Function.objects.get().live_version == FunctionVersion.objects.get(number=1)
    again = deploy(dev_environment(), [Content(variant(2))], BY, live=False)
    assert (again.deploy, kinds(again.changes)) == (None, {"fn": "unchanged"})
    (change,) = deploy(dev_environment(), [Content(variant(2))], BY).changes
    assert (change.kind, change.version, change.was) == ("restored", 2, 1)


def test_a_dry_run_tells_all_and_does_nothing() -> None:
    deploy(dev_environment(), [Content(variant(1, "a"))], BY)
    before = rows()
    planned = deploy(dev_environment(), [Content(variant(2, "a")), Content(variant(1, "b"))], BY, dry_run=True)
    assert [(one.function_id, one.kind, one.version, one.was) for one in planned.changes] == [
        ("a", "changed", 2, 1),
        ("b", "new", 1, None),
    ]
    assert (planned.deploy, planned.base, rows()) == (None, 1, before)


def test_what_is_no_longer_there_goes_down_with_the_same_deploy() -> None:
    deploy(dev_environment(), [Content(variant(1, "a")), Content(variant(1, "b"))], BY)
    deployed = deploy(dev_environment(), [Content(variant(2, "a"))], BY, archive=["b", "never-there"])
    assert deployed.deploy is not None
    assert set(deployed.deploy.releases.values_list("function__slug", "version__number")) == {("a", 2), ("b", None)}
    assert deploy(dev_environment(), [], BY, archive=["b"]).deploy is None


def test_an_id_that_is_there_twice_or_is_an_apps_changes_nothing() -> None:
    registered(dev_environment(), function("taken"))
    before = rows()
    with pytest.raises(InvalidDefinition) as refused:
        deploy(dev_environment(), [Content(variant(1, "a")), Content(variant(2, "a"))], BY)
    assert [(fault.function, fault.path) for fault in refused.value.faults] == [("a", "$.id")]
    for dry_run in (True, False):
        with pytest.raises(InvalidDefinition) as refused:
            deploy(dev_environment(), [Content(variant(1, "a")), Content(variant(1, "taken"))], BY, dry_run=dry_run)
        assert [fault.function for fault in refused.value.faults] == ["taken"]
    assert rows() == before


def test_other_content_that_was_not_seen_is_not_overwritten() -> None:
    base = last_deploy(dev_environment())
    deploy(dev_environment(), [Content(variant(1, "a")), Content(variant(1, "b"))], BY._replace(actor="first"))
    # The same content, and functions that nobody else has touched, are no conflict.
    deploy(dev_environment(), [Content(variant(1, "a")), Content(variant(1, "c"))], BY, base=base)
    with pytest.raises(DeployConflict, match="b: changed by another deploy meanwhile") as refused:
        deploy(dev_environment(), [Content(variant(1, "a")), Content(variant(2, "b"))], BY, base=base)
    (moved,) = refused.value.moved
    assert (moved.function_id, moved.was, moved.now, moved.deploy.actor) == ("b", None, 1, "first")
    # What does not go live overwrites nothing.
    assert deploy(dev_environment(), [Content(variant(2, "b"))], BY, live=False, base=base).deploy is not None


def test_what_was_moved_and_moved_back_is_no_conflict() -> None:
    deploy(dev_environment(), [Content(variant(1))], BY)
    base = last_deploy(dev_environment())
    deploy(dev_environment(), [Content(variant(2))], BY)
    roll_back(dev_environment(), "fn", BY)
    (change,) = deploy(dev_environment(), [Content(variant(3))], BY, base=base).changes
    assert (change.version, change.was) == (3, 1)


def test_a_dry_run_tells_of_the_conflict_too() -> None:
    deploy(dev_environment(), [Content(variant(1))], BY)
    with pytest.raises(DeployConflict):
        deploy(dev_environment(), [Content(variant(2))], BY, base=0, dry_run=True)


def test_where_files_were_read_makes_no_other_version_but_for_who_reads_them_elsewhere() -> None:
    deploy(dev_environment(), [Content(variant(1), {"x": b"1"}, "/here")], BY)
    assert deploy(dev_environment(), [Content(variant(1), {"x": b"1"})], BY).deploy is None
    (change,) = deploy(dev_environment(), [Content(variant(1), {"x": b"1"}, "/there")], BY).changes
    assert (change.kind, change.version) == ("changed", 2)


@pytest.mark.parametrize("live", [True, False])
def test_a_deploy_of_many_costs_as_many_statements_as_one_of_a_few(live: bool) -> None:
    def statements(first: int, count: int, files: bytes) -> int:
        contents = [Content(variant(1, f"fn-{number}"), {"x": files}) for number in range(first, first + count)]
        base = last_deploy(dev_environment())
        with CaptureQueriesContext(connection) as queries:
            deploy(dev_environment(), contents, BY, live=live, base=base)
        return len(queries)

    assert statements(0, 50, b"1") == statements(100, 2, b"2")
    assert statements(0, 50, b"3") == statements(100, 2, b"4")
    assert statements(0, 50, b"3") == statements(100, 2, b"4")


def test_a_rollback_and_a_conflict_of_many_cost_as_many_statements_as_of_a_few() -> None:
    def statements(first: int, count: int) -> tuple[int, int]:
        def contents(version: int) -> list[Content]:
            return [Content(variant(version, f"fn-{number}")) for number in range(first, first + count)]

        base = last_deploy(dev_environment())
        deploy(dev_environment(), contents(1), BY)
        deployed = deploy(dev_environment(), contents(2), BY)
        with CaptureQueriesContext(connection) as refusing, pytest.raises(DeployConflict):
            deploy(dev_environment(), contents(3), BY, base=base)
        with CaptureQueriesContext(connection) as undoing:
            roll_back_deploy(dev_environment(), deployed.base, BY)
        return len(refusing), len(undoing)

    assert statements(0, 50) == statements(100, 2)


@pytest.mark.django_db(transaction=True)
def test_of_two_deploys_at_once_that_know_the_same_one_wins() -> None:
    rounds = 60
    lost: list[set[str]] = []
    environment = dev_environment()

    def deploy_both(step: int, base: int) -> None:
        contents = [Content(variant(step, slug), {"n": str(step).encode()}) for slug in ("a", "b")]
        try:
            deploy(environment, contents if step % 2 else contents[::-1], BY, base=base)
        except DeployConflict as conflict:
            lost.append({moved.function_id for moved in conflict.moved})

    race(
        rounds,
        lambda number: deploy_both(2 * number, base=number),
        lambda number: deploy_both(2 * number + 1, base=number),
    )
    assert lost == [{"a", "b"}] * rounds
    assert last_deploy(environment) == rounds
    assert set(Function.objects.values_list("live_version__number", flat=True)) == {rounds}
