"""Deploys as a record: who changed what an environment has, in which order, and what was changed meanwhile."""

from collections.abc import Collection
from typing import NamedTuple

from django.db import connection

from apps.datastore.models import Deploy, Environment, Function

MAX_ACTOR = 200
MAX_NOTE = 500


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


# For each function its newest release, and the last one that a deployer who knew deploy `base` has seen.
_MOVED = """
SELECT function.slug, old.number, new.number, current.deploy_id
FROM unnest(%(functions)s::bigint[]) AS asked (id),
     LATERAL (SELECT slug FROM datastore_function WHERE id = asked.id LIMIT 1) AS function,
     LATERAL (SELECT version_id, deploy_id FROM datastore_release
              WHERE function_id = asked.id ORDER BY id DESC LIMIT 1) AS current,
     LATERAL (SELECT number FROM datastore_deploy WHERE id = current.deploy_id LIMIT 1) AS deploy
     LEFT JOIN LATERAL (
        SELECT release.version_id FROM datastore_release AS release,
               LATERAL (SELECT number FROM datastore_deploy WHERE id = release.deploy_id LIMIT 1) AS earlier
        WHERE release.function_id = asked.id AND earlier.number <= %(base)s ORDER BY release.id DESC LIMIT 1
     ) AS seen ON true
     LEFT JOIN LATERAL (SELECT number FROM datastore_functionversion WHERE id = seen.version_id LIMIT 1) AS old ON true
     LEFT JOIN LATERAL (
        SELECT number FROM datastore_functionversion WHERE id = current.version_id LIMIT 1
     ) AS new ON true
WHERE deploy.number > %(base)s AND seen.version_id IS DISTINCT FROM current.version_id
ORDER BY function.slug
"""


def moved_since(functions: Collection[Function], base: int) -> list[Moved]:
    """Those of the functions of which another version is live than after deploy `base`. Two statements at most.

    Called with the functions locked.
    """
    with connection.cursor() as cursor:
        cursor.execute(_MOVED, {"functions": [function.pk for function in functions], "base": base})
        rows = cursor.fetchall()
    deploys = Deploy.objects.in_bulk([deploy_id for _, _, _, deploy_id in rows]) if rows else {}
    return [Moved(slug, was, now, deploys[deploy_id]) for slug, was, now, deploy_id in rows]
