"""Deploys as a record: who changed what an environment has, in which order, and what was changed meanwhile."""

from collections.abc import Collection
from typing import NamedTuple

from django.db import connection

from apps.datastore.models import Deploy, Environment, Function, Release
from apps.datastore.releases import current_releases

MAX_ACTOR = 200
MAX_NOTE = 500
_LOOKED_AT = 100
"""Releases in which it is looked for what a deployer last saw."""


class By(NamedTuple):
    """Who deploys, and how."""

    kind: str
    """One of Deploy.Kind."""
    actor: str
    note: str = ""


class Moved(NamedTuple):
    """A function whose live version is another one than a deployer knew."""

    function_id: str
    was: int | None
    """The number of the version that was live; None if none was."""
    now: int | None
    deploy: Deploy
    """The last one that moved it."""


class DeployConflict(Exception):
    """Someone else moved the same functions meanwhile. Nothing was changed."""

    def __init__(self, moved: list[Moved]) -> None:
        names = ", ".join(one.function_id for one in moved)
        super().__init__(f"{names}: changed by another deploy meanwhile; look at what it changed, and deploy again")
        self.moved = moved


def open_deploy(environment: Environment, by: By, undoes: Deploy | None = None) -> Deploy:
    """The environment's next deploy. Called last before what it changes: until the commit all others wait here."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE datastore_environment SET deploys = deploys + 1 WHERE id = %s RETURNING deploys", (environment.pk,)
        )
        (number,) = cursor.fetchone()
    return Deploy.objects.create(
        environment=environment,
        number=number,
        kind=by.kind,
        actor=by.actor[:MAX_ACTOR],
        note=by.note[:MAX_NOTE],
        undoes=undoes,
    )


def last_deploy(environment: Environment) -> int:
    """The number of the environment's last deploy; 0 if there was none."""
    return Environment.objects.values_list("deploys", flat=True).get(pk=environment.pk)


def moved_since(functions: Collection[Function], base: int) -> list[Moved]:
    """Those of the functions that a later deploy than `base` moved. Called with the functions locked."""
    moved = []
    for release in current_releases(functions).values():
        if release.deploy.number > base:
            was = _live_at(release.function, base)
            moved.append(Moved(release.function.slug, was, _number(release), release.deploy))
    return sorted(moved)


def _live_at(function: Function, base: int) -> int | None:
    """The number of the version that was live after deploy `base`."""
    # Release by release: a join may be planned to read all that there are.
    for release in Release.objects.filter(function=function).order_by("-id")[:_LOOKED_AT]:
        if release.deploy.number <= base:
            return _number(release)
    return None


def _number(release: Release) -> int | None:
    return None if release.version is None else release.version.number
