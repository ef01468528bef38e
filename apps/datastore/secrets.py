"""Secrets: environment variables of an environment's steps, kept sealed and shown to nobody again.

A branch environment has those of its parent; its own, by the same names, win over them.
"""

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from apps.datastore.environments import lock_environment
from apps.datastore.models import Environment, Secret
from apps.datastore.sealing import CannotUnsealError, reseal, seal_at

MAX_NAME = 255
NAME = "[A-Za-z_][A-Za-z0-9_]*"
RESERVED = frozenset({"HOME", "HOSTNAME", "PATH", "PWD"})
RESERVED_PREFIX = "LD_"
"""What finds and loads programs: with another value none of the environment's containers would start."""
_NAME = re.compile(NAME)
_MOST_TOLD = 5
_RESEALED_AT_ONCE = 100


class CannotSet(Exception):
    """The text says why, and what to do. Nothing was set."""


class BadSecret(CannotSet):
    """A name or a value that no environment variable of ours can have."""


class TooManySecrets(CannotSet):
    """There would be more than there may be, one by one or in bytes together."""


class Changed(NamedTuple):
    """What a change did, by name, in order."""

    made: list[str]
    replaced: list[str]


def place_of(environment_id: int, name: str) -> str:
    """What a secret is sealed for."""
    return f"secret {environment_id} {name}"


@transaction.atomic
def set_secrets(environment: Environment, values: Mapping[str, str], actor: str) -> Changed:
    """Set all of these, or none of them. Others stay as they are. Raises CannotSet."""
    for name, value in values.items():
        check_name(name)
        check_value(name, value)
    lock_environment(environment)
    there = dict(Secret.objects.filter(environment=environment).values_list("name", "size"))
    made = sorted(values.keys() - there.keys())
    if len(there) + len(made) > settings.SECRETS_MAX:
        raise TooManySecrets(
            f"{environment} would have {len(there) + len(made)} secrets; the most there may be are"
            f" {settings.SECRETS_MAX} (SECRETS_MAX): remove some first"
        )
    sizes = {name: len(value.encode()) for name, value in values.items()}
    together = sum({**there, **sizes}.values())
    if sizes and together > settings.SECRETS_MAX_BYTES:
        raise TooManySecrets(
            f"the secrets of {environment} would be {together} bytes together; the most there may be are"
            f" {settings.SECRETS_MAX_BYTES} (SECRETS_MAX_BYTES): remove some, or keep large ones elsewhere"
        )
    now = timezone.now()
    rows = [
        Secret(
            environment=environment,
            name=name,
            sealed=seal_at(place_of(environment.pk, name), value),
            size=sizes[name],
            actor=actor,
            created_at=now,
            updated_at=now,
        )
        for name, value in values.items()
    ]
    if rows:
        Secret.objects.bulk_create(
            rows,
            update_conflicts=True,
            unique_fields=["environment", "name"],
            update_fields=["sealed", "size", "actor", "updated_at"],
        )
        _count_change(environment)
    return Changed(made, sorted(values.keys() & there.keys()))


@transaction.atomic
def remove_secret(environment: Environment, name: str) -> bool:
    """Whether there was one. One of its parent is not the environment's own."""
    lock_environment(environment)
    removed, _ = Secret.objects.filter(environment=environment, name=name).delete()
    if removed:
        _count_change(environment)
    return removed > 0


def list_secrets(environment: Environment) -> list[Secret]:
    """Those that the environment's steps get, its parent's too, by name, each with its environment; without values."""
    owners = [environment.pk] if environment.parent_id is None else [environment.parent_id, environment.pk]
    rows = Secret.objects.filter(environment_id__in=owners).select_related("environment").defer("sealed")
    found = {row.name: row for row in sorted(rows, key=lambda row: row.environment_id == environment.pk)}
    return [found[name] for name in sorted(found)]


def reseal_secrets() -> int:
    """Seal every secret anew with SECRET_KEY, so that the fallbacks can go. How many.

    An environment after the other, each as a whole. Raises sealing.CannotUnsealError for one that cannot be read; those
    before it are done then.
    """
    return sum(map(_reseal, Environment.objects.filter(secrets__isnull=False).distinct().order_by("pk")))


@transaction.atomic
def _reseal(environment: Environment) -> int:
    lock_environment(environment)
    rows = list(Secret.objects.filter(environment=environment).order_by("pk"))
    for row in rows:
        try:
            row.sealed = reseal(row.sealed)
        except CannotUnsealError as error:
            raise CannotUnsealError(f"{row.name} of {environment}: {error}") from error
    if rows:
        Secret.objects.bulk_update(rows, ["sealed"], batch_size=_RESEALED_AT_ONCE)
        _count_change(environment)  # a worker that could not read them reads them now
    return len(rows)


def check_name(name: str) -> None:
    """Raises BadSecret unless it can be the name of a secret."""
    if len(name) > MAX_NAME or not _NAME.fullmatch(name):
        raise BadSecret(
            f"{name[:80]!r} cannot be the name of an environment variable: letters, digits and `_`, at most"
            f" {MAX_NAME} of them, and no digit first"
        )
    if name in RESERVED or name.startswith(RESERVED_PREFIX):
        raise BadSecret(f"{name} belongs to what runs the step, and cannot be a secret: choose another name")


def check_value(name: str, value: str) -> None:
    """Raises BadSecret unless it can be the value of a secret. The text never holds the value."""
    if "\0" in value:
        raise BadSecret(f"The value of {name} has a NUL character, which no environment variable can have")
    try:
        size = len(value.encode())
    except UnicodeEncodeError:
        raise BadSecret(f"The value of {name} has half of a surrogate pair, which is no text") from None
    if size > settings.SECRET_MAX_BYTES:
        raise BadSecret(
            f"The value of {name} is {size} bytes; the most there may be are {settings.SECRET_MAX_BYTES}"
            " (SECRET_MAX_BYTES)"
        )


def in_words(names: Iterable[str]) -> str:
    """Some of the names, and how many more there are."""
    told = list(names)
    more = f" and {len(told) - _MOST_TOLD} more" if len(told) > _MOST_TOLD else ""
    return ", ".join(told[:_MOST_TOLD]) + more


def _count_change(environment: Environment) -> None:
    """The last statement on the environment's row, which is locked: whoever sees the count sees the secrets."""
    Environment.objects.filter(pk=environment.pk).update(secret_changes=F("secret_changes") + 1)
