"""The shapes of keys in answers, and of what is asked for. Only the answer to making one has its secret."""

from datetime import datetime
from typing import Annotated

import msgspec

from apps.core_api.access import SCOPE_NAMES, ScopeName
from apps.core_api.answers import Answer, Page
from apps.datastore.keys import MAX_NAME, NewKey
from apps.datastore.models import ApiToken, EventKey, Scope, SigningKey

KeyName = Annotated[
    str,
    msgspec.Meta(
        description="What it is for: printable characters.",
        extra_json_schema={"minLength": 1, "maxLength": MAX_NAME},
    ),
]
Secret = Annotated[str, msgspec.Meta(description="Shown this once.")]


class KeyBody(msgspec.Struct, forbid_unknown_fields=True):
    name: KeyName


class TokenBody(msgspec.Struct, forbid_unknown_fields=True):
    name: KeyName
    scope: ScopeName = "read"


class EventKeyEntry(msgspec.Struct, kw_only=True):
    id: int
    name: str
    hint: str
    """Its first characters."""
    created_at: datetime
    revoked_at: datetime | None
    """None while it is live."""


class NewEventKey(EventKeyEntry, kw_only=True):
    secret: Secret


class ApiTokenEntry(msgspec.Struct, kw_only=True):
    id: int
    name: str
    hint: str
    """Its first characters."""
    scope: ScopeName
    created_at: datetime
    revoked_at: datetime | None
    """None while it is live."""


class NewApiToken(ApiTokenEntry, kw_only=True):
    secret: Secret


class SigningKeyEntry(msgspec.Struct, kw_only=True):
    id: int
    name: str
    hint: str
    """The first characters of its hash, by which the SDKs tell of it too."""
    current: bool
    """It signs. The others that are live are accepted only."""
    created_at: datetime
    revoked_at: datetime | None
    """None while it is live."""


class NewSigningKey(SigningKeyEntry, kw_only=True):
    secret: Secret


class RevokedSigningKey(msgspec.Struct, kw_only=True):
    id: int
    unsigned: bool
    """No key is left that signs: calls of the environment's apps are not signed any more."""


class EventKeysAnswer(Answer):
    data: list[EventKeyEntry]
    page: Page


class NewEventKeyAnswer(Answer):
    data: NewEventKey


class ApiTokensAnswer(Answer):
    data: list[ApiTokenEntry]
    page: Page


class NewApiTokenAnswer(Answer):
    data: NewApiToken


class SigningKeysAnswer(Answer):
    data: list[SigningKeyEntry]
    page: Page


class SigningKeyAnswer(Answer):
    data: SigningKeyEntry


class NewSigningKeyAnswer(Answer):
    data: NewSigningKey


class RevokedSigningKeyAnswer(Answer):
    data: RevokedSigningKey


def event_key_entry(key: EventKey) -> EventKeyEntry:
    return EventKeyEntry(id=key.pk, name=key.name, hint=key.hint, created_at=key.created_at, revoked_at=key.revoked_at)


def new_event_key(new: NewKey[EventKey]) -> NewEventKey:
    return NewEventKey(**msgspec.structs.asdict(event_key_entry(new.row)), secret=new.secret)


def api_token_entry(token: ApiToken) -> ApiTokenEntry:
    return ApiTokenEntry(
        id=token.pk,
        name=token.name,
        hint=token.hint,
        scope=SCOPE_NAMES[Scope(token.scope)],
        created_at=token.created_at,
        revoked_at=token.revoked_at,
    )


def new_api_token(new: NewKey[ApiToken]) -> NewApiToken:
    return NewApiToken(**msgspec.structs.asdict(api_token_entry(new.row)), secret=new.secret)


def signing_key_entry(key: SigningKey) -> SigningKeyEntry:
    return SigningKeyEntry(
        id=key.pk,
        name=key.name,
        hint=key.hint,
        current=key.is_current,
        created_at=key.created_at,
        revoked_at=key.revoked_at,
    )


def new_signing_key(new: NewKey[SigningKey]) -> NewSigningKey:
    return NewSigningKey(**msgspec.structs.asdict(signing_key_entry(new.row)), secret=new.secret)
