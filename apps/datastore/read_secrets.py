"""Secrets as the hot path reads them: at most once a second whether they have changed, and themselves only then."""

import time
from collections.abc import Collection, Mapping
from typing import NamedTuple

from django.db import connection

from apps.datastore.sealing import CannotUnsealError, unseal_at
from apps.datastore.secrets import in_words, place_of

CACHED_SECONDS = 1.0
KEPT_MOST = 200
"""Environments whose secrets stay in memory; of more, those that were looked at longest ago are read again."""

# A parent's count comes by its key alone.
_COUNTS = """
SELECT id, secret_changes, parent_id,
       (SELECT parent.secret_changes FROM datastore_environment AS parent
        WHERE parent.id = environment.parent_id)
FROM datastore_environment AS environment
WHERE id = ANY (%b::bigint[])
"""
_SECRETS = "SELECT environment_id, name, sealed FROM datastore_secret WHERE environment_id = ANY (%b::bigint[])"


class Secrets(NamedTuple):
    """Of one environment, its parent's included. The same object as long as nothing changes."""

    values: Mapping[str, str]
    unreadable: Mapping[str, str]
    """Those that cannot be read, by name: why."""

    def readable(self) -> Mapping[str, str]:
        """All of them. Raises sealing.CannotUnsealError if one cannot be read: a step without it is not to be run."""
        if self.unreadable:
            names = in_words(sorted(self.unreadable))
            raise CannotUnsealError(f"{names}: {next(iter(self.unreadable.values()))}")
        return self.values


class _Known(NamedTuple):
    until: float
    counts: tuple[int, int]
    """Of the changes of its own and of its parent's."""
    secrets: Secrets


_NONE = Secrets({}, {})
_known: dict[int, _Known] = {}


def secrets_of(environment_ids: Collection[int]) -> dict[int, Secrets]:
    """The secrets of each of these environments. Read at most once a second: one statement for all of them together,
    and a second one for those that have changed."""
    began = time.monotonic()
    stale = [one for one in environment_ids if one not in _known or _known[one].until < began]
    if stale:
        _read(stale, began + CACHED_SECONDS)
    found = {one: _known[one].secrets if one in _known else _NONE for one in environment_ids}
    if len(_known) > KEPT_MOST:
        _forget(len(_known) - KEPT_MOST)
    return found


def _read(environment_ids: list[int], until: float) -> None:
    # The counts first: secrets that change in between are read again a second later.
    with connection.cursor() as cursor:
        cursor.execute(_COUNTS, (environment_ids,))
        rows = cursor.fetchall()
    counts = {one: (own, of_parent or 0) for one, own, _, of_parent in rows}
    for gone in set(environment_ids) - counts.keys():
        _known.pop(gone, None)
    parents = {one: parent for one, _, parent, _ in rows}
    changed = [one for one in counts if one not in _known or _known[one].counts != counts[one]]
    read = _unsealed({owner for one in changed if any(counts[one]) for owner in (one, parents[one]) if owner})
    for one, seen in counts.items():
        secrets = _merged(read, parents[one], one) if one in changed else _known[one].secrets
        _known[one] = _Known(until, seen, secrets)


def _forget(number: int) -> None:
    for one in sorted(_known, key=lambda one: _known[one].until)[:number]:
        del _known[one]


def _merged(read: Mapping[int, Secrets], parent: int | None, own: int) -> Secrets:
    ours, theirs = read.get(own, _NONE), read.get(parent or 0, _NONE)
    values = {name: value for name, value in theirs.values.items() if name not in ours.unreadable}
    unreadable = {name: why for name, why in theirs.unreadable.items() if name not in ours.values}
    return Secrets({**values, **ours.values}, {**unreadable, **ours.unreadable})


def _unsealed(owners: Collection[int]) -> dict[int, Secrets]:
    if not owners:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(_SECRETS, (list(owners),))
        rows = cursor.fetchall()
    found: dict[int, tuple[dict[str, str], dict[str, str]]] = {owner: ({}, {}) for owner in owners}
    for owner, name, sealed in rows:
        values, unreadable = found[owner]
        try:
            values[name] = unseal_at(place_of(owner, name), sealed)
        except CannotUnsealError as error:
            unreadable[name] = str(error)
    return {owner: Secrets(*both) for owner, both in found.items()}
