"""Functions' rows, locked by whoever changes what is live of them: deploys, registrations, rollbacks.

All of them go through here, so all take the locks in one order and no two wait for each other. What is live is read
after the wait, in a statement of its own: a join would show what was live before it.
"""

from collections.abc import Collection

from django.conf import settings
from django.db import connection
from django.db.models import Q

from apps.datastore.models import App, Environment, Function

_ROWS = 500
"""Rows in one statement."""


def limit_waits() -> None:
    """Let this transaction wait for no lock of another longer than DEPLOY_LOCK_SECONDS: OperationalError is raised.

    It holds locks, and one of few connections, itself.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('lock_timeout', %s, true)", (f"{settings.DEPLOY_LOCK_SECONDS * 1000:.0f}ms",))


def lock_or_make(
    environment: Environment, slugs: Collection[str], app: App | None = None, also: Q | None = None
) -> dict[str, Function]:
    """By id: the functions of these ids, made (as the app's) if they are new, and those that `also` describes."""
    known = set(Function.objects.filter(environment=environment, slug__in=slugs).values_list("slug", flat=True))
    Function.objects.bulk_create(
        (Function(environment=environment, slug=slug, app=app) for slug in sorted(slugs) if slug not in known),
        ignore_conflicts=True,
        batch_size=_ROWS,
    )
    wanted = Q(slug__in=slugs) if also is None else Q(slug__in=slugs) | also
    return _lock(environment, wanted)


def lock(environment: Environment, wanted: Q) -> dict[str, Function]:
    """By id: those of the environment's functions that are so."""
    limit_waits()
    return _lock(environment, wanted)


def _lock(environment: Environment, wanted: Q) -> dict[str, Function]:
    locked = Function.objects.select_for_update().filter(environment=environment).order_by("pk")
    return {function.slug: function for function in locked.filter(wanted)}


def free_unserved(functions: Collection[Function]) -> None:
    """What an app has registered and no longer serves is, from now on, nobody's, and so whoever's declares it."""
    unserved = [one for one in functions if one.app_id is not None and one.live_version_id is None]
    for function in unserved:
        function.app = None
    if unserved:
        Function.objects.bulk_update(unserved, ["app"], batch_size=_ROWS)
