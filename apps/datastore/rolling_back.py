"""Versions that are there go live again, and functions are taken down: each in one transaction (rule 12)."""

from collections.abc import Sequence

import msgspec
from django.db import transaction
from django.db.models import Q, prefetch_related_objects

from apps.datastore import manifest as manifests
from apps.datastore.changes import Change, Deployed, FileChanges, Kind, file_changes
from apps.datastore.definition.types import FunctionDefinition, from_json
from apps.datastore.deploys import By, DeployConflict, Moved, last_deploy, moved_since, open_deploy
from apps.datastore.going_live import Move, move
from apps.datastore.locking import free_unserved, lock
from apps.datastore.models import Deploy, Environment, Function, FunctionVersion, Release
from apps.datastore.releases import current_releases


class CannotMove(Exception):
    """Nothing was changed; the text says why, and what to do."""


class NoSuchFunction(CannotMove):
    """There is none of this id in the environment."""


class NoSuchVersion(CannotMove):
    """The function has none of this number."""


class NoSuchDeploy(CannotMove):
    """The environment has none of this number."""


class NothingBeneath(CannotMove):
    """There is nothing to go back to."""


class ServedByApp(CannotMove):
    """What an app serves is changed by deploying the app."""


@transaction.atomic
def make_live(environment: Environment, slug: str, version: int, by: By, base: int | None = None) -> Deployed:
    """Let events and crons start this version of the function. Raises CannotMove or DeployConflict."""
    function = _lock(environment, slug)
    try:
        wanted = FunctionVersion.objects.get(function=function, number=version)
    except FunctionVersion.DoesNotExist:
        raise NoSuchVersion(f"{slug} has no version {version}") from None
    if function.live_version_id == wanted.pk:
        return Deployed(None, last_deploy(environment), [_change(function, wanted, wanted, "unchanged")])
    _refuse_moved([function], base)
    _refuse_apps_version(function, wanted)
    return _move(environment, [(function, wanted, current_releases([function]).get(function.pk))], by)


@transaction.atomic
def roll_back(environment: Environment, slug: str, by: By, base: int | None = None) -> Deployed:
    """Let the function be what it was before it was made what it is. Raises CannotMove or DeployConflict."""
    function = _lock(environment, slug)
    _refuse_moved([function], base)
    current = current_releases([function]).get(function.pk)
    if current is None or current.beneath is None:
        raise NothingBeneath(f"{slug} was nothing before; archive it, or deploy it anew")
    return _move(environment, [_backward(function, current)], by)


@transaction.atomic
def roll_back_deploy(environment: Environment, number: int, by: By) -> Deployed:
    """Let every function that this deploy moved be what it was before; one that was new is archived.

    Raises CannotMove, or DeployConflict if a function was moved since.
    """
    try:
        undone = Deploy.objects.get(environment=environment, number=number)
    except Deploy.DoesNotExist:
        raise NoSuchDeploy(f"There is no deploy {number}") from None
    if undone.kind == Deploy.Kind.ROLLBACK:
        raise CannotMove(f"Deploy {number} is a rollback itself; make a version live, or deploy again")
    moved = Function.objects.filter(releases__deploy=undone).values("pk")
    functions = list(lock(environment, Q(pk__in=moved)).values())
    if not functions:
        raise NothingBeneath(f"Deploy {number} made nothing live")
    _refuse_apps(functions)
    _refuse_moved(functions, number)
    current = current_releases(functions)
    prefetch_related_objects(list(current.values()), "beneath__version")  # for all of them at once
    return _move(environment, [_backward(function, current[function.pk]) for function in functions], by, undone)


@transaction.atomic
def archive(environment: Environment, slug: str, by: By, base: int | None = None) -> Deployed:
    """Let no event and no cron start the function any more; its runs go on. Raises CannotMove or DeployConflict."""
    function = _lock(environment, slug)
    if function.live_version is None:
        return Deployed(None, last_deploy(environment), [])
    _refuse_moved([function], base)
    return _move(environment, [(function, None, current_releases([function]).get(function.pk))], by)


_Step = tuple[Function, FunctionVersion | None, Release | None]
"""A function, what is to be live of it, and what is beneath that."""


def _lock(environment: Environment, slug: str) -> Function:
    """The function, declared, with what is live of it as it is after the wait for the lock."""
    function = lock(environment, Q(slug=slug)).get(slug)
    if function is None:
        raise NoSuchFunction(f"There is no function {slug}")
    _refuse_apps([function])
    return function


def _refuse_apps(functions: Sequence[Function]) -> None:
    free_unserved(functions)
    for function in functions:
        if function.app is not None:
            name = function.app.slug
            raise ServedByApp(f"{function.slug} is served by the app {name}: deploy, and sync, the app instead")


def _refuse_apps_version(function: Function, version: FunctionVersion) -> None:
    """What an app served is called where the app was, which no longer knows of it."""
    if _definition(version).sdk is not None:
        raise ServedByApp(
            f"Version {version.number} of {function.slug} was served by an app: sync the app to go back to it"
        )


def _definition(version: FunctionVersion) -> FunctionDefinition:
    try:
        return from_json(version.definition)
    except msgspec.DecodeError:
        raise CannotMove(f"Version {version.number} cannot be read by this release of the server") from None


def _refuse_moved(functions: Sequence[Function], base: int | None) -> None:
    moved: list[Moved] = [] if base is None else moved_since(functions, base)
    if moved:
        raise DeployConflict(moved)


def _backward(function: Function, current: Release) -> _Step:
    beneath = current.beneath
    if beneath is None:
        return function, None, None
    if beneath.version is not None:
        _refuse_apps_version(function, beneath.version)
    return function, beneath.version, beneath.beneath


def _move(environment: Environment, steps: Sequence[_Step], by: By, undoes: Deploy | None = None) -> Deployed:
    before = FunctionVersion.objects.in_bulk([one.live_version_id for one, _, _ in steps if one.live_version_id])
    lives = [before.get(function.live_version_id or 0) for function, _, _ in steps]
    opened = open_deploy(environment, by, undoes)
    move(
        opened,
        [
            Move(function, version, None if version is None else _definition(version), beneath)
            for function, version, beneath in steps
        ],
    )
    changes = [_change(function, was, now) for was, (function, now, _) in zip(lives, steps, strict=True)]
    return Deployed(opened, opened.number, changes)


def _change(
    function: Function, was: FunctionVersion | None, now: FunctionVersion | None, kind: Kind | None = None
) -> Change:
    told = now or was
    assert told is not None
    old = manifests.from_json(was.manifest) if was else {}
    new = manifests.from_json(now.manifest) if now else {}
    return Change(
        function_id=function.slug,
        definition=_definition(told),
        kind=kind or ("archived" if now is None else "restored"),
        version=now.number if now else None,
        was=was.number if was else None,
        is_live=now is not None,
        files=FileChanges([], [], []) if now is None else file_changes(old, new),
        definition_changed=now is not None and (was is None or was.definition != now.definition),
    )
