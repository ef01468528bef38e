"""Signing keys: with one of an environment's we sign our calls of its apps, and by any of them we know the apps.

The first live key of an environment is its current one, which signs. A further one stands by: it is accepted at once,
and signs after `rotate`. A branch environment has the keys of its parent.
"""

import re
import secrets
import time
from contextlib import suppress
from typing import NamedTuple

from django.db import transaction
from django.db.models import QuerySet, Subquery
from django.db.models.functions import Coalesce, Now

from apps.datastore.environments import lock_environment
from apps.datastore.keys import NewKey, digest_of, number_in_list, prepare_for_key
from apps.datastore.models import Environment, SigningKey
from apps.datastore.sealing import reseal, seal, unseal
from drivers.signing import bearer_of, without_prefix

CACHED_SECONDS = 1.0
HINT_LENGTH = 12
_HASH = re.compile("[0-9a-f]{64}")


class _Cached(NamedTuple):
    until: float
    key: str | None


_current: dict[int, _Cached] = {}


class NoStandbyError(Exception):
    """There is no key that could become the current one."""


def create_signing_key(environment: Environment, name: str) -> str:
    """Make a key. Returns its text, for the app's INNGEST_SIGNING_KEY; the server does not show it again."""
    return add_signing_key(environment, name).secret


@transaction.atomic
def add_signing_key(environment: Environment, name: str) -> NewKey[SigningKey]:
    """Make a signing key. Raises keys.CannotCreate."""
    prepare_for_key(SigningKey, environment, name)
    # Clients take the prefix off by its pattern, in which the environment's name has no "-".
    key = f"signkey-{re.sub(r'[^A-Za-z0-9_]', '_', environment.slug)}-{secrets.token_hex(32)}"
    shown = without_prefix(bearer_of(key))
    row = SigningKey.objects.create(
        environment=environment,
        name=name,
        digest=digest_of(shown),
        # Of the hash, as in the SDKs' account of themselves; the key's own first characters are all alike.
        hint=shown[:HINT_LENGTH],
        sealed=seal(key),
        is_current=not _live(environment).filter(is_current=True).exists(),
    )
    _forget_after_commit()
    return NewKey(row, key)


def current_signing_key(environment_id: int) -> str | None:
    """The key to sign with; None if the environment has none. Read at most once a second, not for each call.

    Raises sealing.CannotUnsealError.
    """
    cached = _current.get(environment_id)
    if cached is None or cached.until < time.monotonic():
        read_at = time.monotonic()
        current = _live_of(environment_id).filter(is_current=True).first()
        cached = _Cached(read_at + CACHED_SECONDS, None if current is None else unseal(current.sealed))
        _current[environment_id] = cached
    return cached.key


def live_signing_keys(environment_id: int) -> list[str]:
    """All that are accepted, the current one first, then the newest. Raises sealing.CannotUnsealError."""
    return [unseal(key.sealed) for key in _live_of(environment_id).order_by("-is_current", "-id")]


def key_of_bearer(token: str) -> SigningKey | None:
    """The live key that `Authorization: Bearer` shows, hashed as the SDKs do, with its environment.

    TypeScript's puts the key's prefix before the hash, Python's does not.
    """
    digest = digest_of(without_prefix(token))
    return SigningKey.objects.select_related("environment").filter(digest=digest, revoked_at=None).first()


def is_bearer(token: str) -> bool:
    """Whether it looks like a signing key as clients show it, and so not like an API token."""
    return _HASH.fullmatch(without_prefix(token)) is not None


@transaction.atomic
def rotate(environment: Environment) -> SigningKey:
    """Let the newest standby key sign from now on; the one that did so is still accepted. Raises NoStandbyError."""
    lock_environment(environment)
    standby = _live(environment).filter(is_current=False).order_by("-id").first()
    if standby is None:
        raise NoStandbyError
    _make_current(environment, standby)
    _forget_after_commit()
    standby.is_current = True
    return standby


class Revoked(NamedTuple):
    """What became of a revocation."""

    found: bool
    """Whether a live key was meant."""
    unsigned: bool
    """Whether nothing signs the environment's calls any more."""


@transaction.atomic
def revoke_signing_key(which: str, within: Environment | None = None) -> Revoked:
    """Revoke the live key whose text, or whose id in the list, is `which`.

    If it was the current one, the newest that stands by signs from then on. `within` an environment, others' keys are
    not there.
    """
    live = SigningKey.objects.filter(revoked_at=None)
    if within is not None:
        live = live.filter(environment=within)
    number = number_in_list(which)
    meant = live.filter(digest__in=_digests_of(which)) if number is None else live.filter(pk=number)
    found = meant.select_related("environment").first()
    if found is None:
        return Revoked(False, unsigned=False)
    lock_environment(found.environment)
    # Read again: before the lock another process may have revoked it, or made it the current one.
    key = live.filter(pk=found.pk).first()
    if key is None:
        return Revoked(False, unsigned=False)
    SigningKey.objects.filter(pk=key.pk).update(revoked_at=Now(), is_current=False)
    standby = _live(found.environment).order_by("-id").first()
    if key.is_current and standby is not None:
        _make_current(found.environment, standby)
    _forget_after_commit()
    return Revoked(True, unsigned=standby is None)


@transaction.atomic
def reseal_signing_keys() -> int:
    """Seal every key anew with SECRET_KEY, so that the fallbacks can go. How many. Raises sealing.CannotUnsealError."""
    keys = list(SigningKey.objects.select_for_update().order_by("pk"))
    for key in keys:
        key.sealed = reseal(key.sealed)
    return SigningKey.objects.bulk_update(keys, ["sealed"], batch_size=500) if keys else 0


def _make_current(environment: Environment, key: SigningKey) -> None:
    _live(environment).filter(is_current=True).update(is_current=False)
    SigningKey.objects.filter(pk=key.pk).update(is_current=True)


def _digests_of(text: str) -> list[str]:
    """Of the key, or of what a client shows of it."""
    shown = [without_prefix(text)]
    with suppress(ValueError):
        shown.append(without_prefix(bearer_of(text)))
    return [digest_of(one) for one in shown]


def _live(environment: Environment) -> QuerySet[SigningKey]:
    return SigningKey.objects.filter(environment=environment, revoked_at=None)


def _live_of(environment_id: int) -> QuerySet[SigningKey]:
    """Also of a branch environment: then they are its parent's."""
    parent = Environment.objects.filter(pk=environment_id).values("parent_id")
    return SigningKey.objects.filter(environment_id=Coalesce(Subquery(parent), environment_id), revoked_at=None)


def _forget_after_commit() -> None:
    """This process sees its own changes at once; the others within a second."""
    transaction.on_commit(_current.clear)
