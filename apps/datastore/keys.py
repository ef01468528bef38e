"""Event keys and API tokens: made, shown once, kept as a hash, revoked. And environments, which are made with them."""

import hashlib
import secrets
import uuid
from typing import Generic, NamedTuple, TypeVar

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_slug
from django.db import connection, transaction
from django.db.models.functions import Now

from apps.datastore.environments import BRANCH, lock_environment
from apps.datastore.models import ApiToken, Environment, EventKey, Key, Scope

HINT_LENGTH = 8
MAX_NAME = 100
FIRST_NAME = "admin"
"""The name of the token that a new environment comes with."""
RESERVED = ("dev", BRANCH)
"""Environments with a meaning of their own, which whoever runs the server makes."""

LIVE_EVENT_KEYS = "SELECT digest, environment_id FROM datastore_eventkey WHERE revoked_at IS NULL"
"""Read by event_api, every second, over a connection of its own."""
ENVIRONMENT_BY_SLUG = "SELECT id FROM datastore_environment WHERE slug = %s"
# Whoever makes an environment holds it, so that each counts those that the one before has made.
_LOCK_ENVIRONMENTS = "SELECT pg_advisory_xact_lock(hashtext('a new environment'))"

_PREFIXES: dict[type[Key], str] = {EventKey: "evt", ApiToken: "api"}
K = TypeVar("K", bound=Key)


class CannotCreate(Exception):
    """The text says why, and what to do."""


class BadName(CannotCreate):
    """It cannot be the name of what was asked for."""


class NameTaken(CannotCreate):
    """There is one of this name already."""


class TooMany(CannotCreate):
    """There are as many as there may be."""


class NewKey(NamedTuple, Generic[K]):
    row: K
    secret: str
    """Nobody can read it again."""


class NewEnvironment(NamedTuple):
    environment: Environment
    token: NewKey[ApiToken]


def digest_of(plaintext: str) -> str:
    """What is kept of a key. A key is 192 random bits: a plain hash of it cannot be guessed back."""
    return hashlib.sha256(plaintext.encode("utf-8", "surrogatepass")).hexdigest()


@transaction.atomic
def create_environment(slug: str) -> Environment:
    """A new environment. Raises CannotCreate."""
    try:
        validate_slug(slug)
    except ValidationError:
        raise BadName(f"An environment's name must be letters, digits, `-` and `_`, not {slug!r}") from None
    if len(slug) > MAX_NAME:
        raise BadName(f"An environment's name has at most {MAX_NAME} characters")
    with connection.cursor() as cursor:
        cursor.execute(_LOCK_ENVIRONMENTS)
    if Environment.objects.filter(slug=slug).exists():
        raise NameTaken(f"There is an environment {slug!r} already")
    if Environment.objects.filter(parent=None).count() >= settings.ENVIRONMENTS_MAX:
        raise TooMany(f"There are {settings.ENVIRONMENTS_MAX} environments, the most there may be (ENVIRONMENTS_MAX)")
    return Environment.objects.create(public_id=uuid.uuid4(), slug=slug)


@transaction.atomic
def create_environment_with_token(slug: str) -> NewEnvironment:
    """A new environment and a token that administers it: it is not there without one. Raises CannotCreate.

    For those who do not run the server: what is RESERVED they do not make.
    """
    if slug.lower() in RESERVED:
        raise BadName(f"{slug!r} is a name with a meaning of its own: `manage.py keys create-environment` makes it")
    environment = create_environment(slug)
    return NewEnvironment(environment, add_api_token(environment, FIRST_NAME, Scope.ADMIN))


def create_event_key(environment: Environment, name: str) -> str:
    """Make a key that lets its holder send events. Returns its text, which nobody can read again."""
    return add_event_key(environment, name).secret


def create_api_token(environment: Environment, name: str, scope: Scope = Scope.READ) -> str:
    """Make a token for the REST API. Returns its text, which nobody can read again."""
    return add_api_token(environment, name, scope).secret


def add_event_key(environment: Environment, name: str) -> NewKey[EventKey]:
    """Make an event key. Raises CannotCreate."""
    return _add(EventKey, environment, name)


def add_api_token(environment: Environment, name: str, scope: Scope) -> NewKey[ApiToken]:
    """Make an API token. Raises CannotCreate."""
    return _add(ApiToken, environment, name, scope=scope)


@transaction.atomic
def _add(kind: type[K], environment: Environment, name: str, **fields: str) -> NewKey[K]:
    prepare_for_key(kind, environment, name)
    secret = f"{_PREFIXES[kind]}_{secrets.token_urlsafe(24)}"
    row = kind._default_manager.create(
        environment=environment, name=name, digest=digest_of(secret), hint=secret[:HINT_LENGTH], **fields
    )
    return NewKey(row, secret)


def prepare_for_key(kind: type[Key], environment: Environment, name: str) -> None:
    """See to it that a key of this kind and name may be made in the transaction, which no other does meanwhile.

    Raises CannotCreate.
    """
    if not 1 <= len(name) <= MAX_NAME or not name.isprintable() or name.isspace():
        raise BadName(f"A name must be 1 to {MAX_NAME} printable characters")
    lock_environment(environment)
    if kind._default_manager.filter(environment=environment, revoked_at=None).count() >= settings.KEYS_MAX:
        raise TooMany(
            f"{environment} has {settings.KEYS_MAX} live {kind._meta.verbose_name_plural}, the most there may be"
            " (KEYS_MAX): revoke one first"
        )


def revoke(kind: type[Key], which: str, within: Environment | None = None) -> int:
    """Revoke the live key whose text, or whose id in the list, is `which`. Returns how many (0 or 1) were revoked.

    `within` an environment, others' keys are not there. A revoked event key is refused within a second or two, once
    event_api has read the list again.
    """
    live = kind._default_manager.filter(revoked_at=None)
    if within is not None:
        live = live.filter(environment=within)
    number = number_in_list(which)
    found = live.filter(digest=digest_of(which)) if number is None else live.filter(pk=number)
    return found.update(revoked_at=Now())


def number_in_list(which: str) -> int | None:
    """The id that this is; None if it is none, and so may be a key's text."""
    # Not isdecimal(): it takes the digits of other scripts. Nor more of them than int() and the column take.
    return int(which) if which.isascii() and which.isdigit() and len(which) <= 18 else None
