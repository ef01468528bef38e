"""Event keys and API tokens: made, shown once, kept as a hash, revoked."""

import hashlib
import secrets
import uuid

from django.db.models.functions import Now

from apps.datastore.models import ApiToken, Environment, EventKey, Key

HINT_LENGTH = 8

LIVE_EVENT_KEYS = "SELECT digest, environment_id FROM datastore_eventkey WHERE revoked_at IS NULL"
"""Read by event_api, every second, over a connection of its own."""
ENVIRONMENT_BY_SLUG = "SELECT id FROM datastore_environment WHERE slug = %s"


def digest_of(plaintext: str) -> str:
    """What is kept of a key. A key is 192 random bits: a plain hash of it cannot be guessed back."""
    return hashlib.sha256(plaintext.encode("utf-8", "surrogatepass")).hexdigest()


def create_environment(slug: str) -> Environment:
    """A new environment; raises IntegrityError if there is one of this name."""
    return Environment.objects.create(public_id=uuid.uuid4(), slug=slug)


def create_event_key(environment: Environment, name: str) -> str:
    """Make a key that lets its holder send events. Returns its text, which nobody can read again."""
    return _create(EventKey, "evt", environment, name)


def create_api_token(environment: Environment, name: str) -> str:
    """Make a token for the REST API. Returns its text, which nobody can read again."""
    return _create(ApiToken, "api", environment, name)


def _create(kind: type[Key], prefix: str, environment: Environment, name: str) -> str:
    plaintext = f"{prefix}_{secrets.token_urlsafe(24)}"
    kind._default_manager.create(
        environment=environment, name=name, digest=digest_of(plaintext), hint=plaintext[:HINT_LENGTH]
    )
    return plaintext


def revoke(kind: type[Key], which: str) -> int:
    """Revoke the live key whose text, or whose id in the list, is `which`. Returns how many (0 or 1) were revoked.

    A revoked event key is refused within a second or two, once event_api has read the list again.
    """
    live = kind._default_manager.filter(revoked_at=None)
    number = number_in_list(which)
    found = live.filter(digest=digest_of(which)) if number is None else live.filter(pk=number)
    return found.update(revoked_at=Now())


def number_in_list(which: str) -> int | None:
    """The id that this is; None if it is none, and so may be a key's text."""
    # Not isdecimal(): it takes the digits of other scripts. Nor more of them than int() and the column take.
    return int(which) if which.isascii() and which.isdigit() and len(which) <= 18 else None
