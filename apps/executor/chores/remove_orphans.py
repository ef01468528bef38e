"""Chore: remove the containers on this machine's engine that nobody waits for any more."""

import time
import uuid
from collections.abc import Iterable, Sequence

from django.conf import settings

from apps.datastore.models import Environment
from apps.doorbell.stopping import stopping
from apps.state.attempts import Place, places_of
from drivers.docker_orphans import Found, list_containers, remove_container

GRACE_SECONDS = 30.0
"""A younger container is left to the worker that has just recorded its result and is about to remove it."""
UNKNOWN_GRACE_SECONDS = 600.0
"""So long after its deadline nobody waits for one that still runs: whoever watches it kills it at the deadline."""
AT_ONCE = 500
REMOVED_MOST = 200
"""In one look, so that the engine is looked at in between."""
DAY = 86_400.0


def remove_orphans() -> None:
    """Remove what belongs to an environment of ours, and to an attempt that is over.

    The engine is asked first, then the database: a container is made after its claim has been committed, so whatever is
    there had an attempt that the database knows of. What is not ours is never touched. Development servers share the
    id of their environment: a run that is not known here may be another's. Its container, if it still runs, goes some
    time after its deadline; if it has ended, its result may be read once that server is started again, so it stays
    until no server has such a run any more (RETENTION_DAYS). Raises EngineAway.
    """
    found = list_containers()
    ours = _own_environments({one.owner for one in found})
    own = [one for one in found if one.owner in ours]
    removed = 0
    for start in range(0, len(own), AT_ONCE):
        for one in orphans(own[start : start + AT_ONCE], time.time()):
            if stopping.is_set() or removed == REMOVED_MOST:
                return
            remove_container(one.id)
            removed += 1


def orphans(found: Sequence[Found], now: float) -> list[Found]:
    """Those that nobody waits for, of containers of our environments. `now` is in unix seconds."""
    places = places_of([(one.run_id, one.step_id, one.attempt + 1) for one in found])
    return [one for one, place in zip(found, places, strict=True) if _is_orphan(one, place, now)]


def _is_orphan(one: Found, place: Place, now: float) -> bool:
    age = now - one.created_at
    if place == "unknown":
        if one.running:
            return now > one.deadline + UNKNOWN_GRACE_SECONDS
        return age > settings.RETENTION_DAYS * DAY and now > one.deadline
    return place == "over" and age > GRACE_SECONDS


def _own_environments(owners: Iterable[str]) -> set[str]:
    asked = {owner for owner in owners if _is_id(owner)}
    if not asked:
        return set()
    known = Environment.objects.filter(public_id__in=asked).values_list("public_id", flat=True)
    return {str(public_id) for public_id in known}


def _is_id(owner: str) -> bool:
    try:
        return str(uuid.UUID(owner)) == owner
    except ValueError:
        return False
