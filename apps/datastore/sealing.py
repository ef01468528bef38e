"""Secrets that must be read again: kept encrypted, so that a copy of the database alone tells none of them."""

import base64
from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

_PURPOSE = b"inngest-server: secrets at rest"


class CannotUnsealError(Exception):
    """What is kept was sealed with a secret key that this process does not have, or it is damaged."""


def seal(plaintext: str) -> str:
    """Encrypt with a key derived from SECRET_KEY."""
    return _sealer().encrypt(plaintext.encode()).decode()


def unseal(sealed: str) -> str:
    """Raises CannotUnsealError unless SECRET_KEY, or one of SECRET_KEY_FALLBACKS, has sealed it."""
    try:
        return _sealer().decrypt(sealed).decode()
    except InvalidToken as error:
        raise CannotUnsealError(
            "A secret cannot be read: it was sealed with another SECRET_KEY. Put that one into SECRET_KEY_FALLBACKS"
        ) from error


def reseal(sealed: str) -> str:
    """The same secret, sealed with SECRET_KEY, whichever had sealed it. Raises CannotUnsealError."""
    return seal(unseal(sealed))


def seal_at(place: str, plaintext: str) -> str:
    """Seal what is good at this place alone: whoever can write to the database cannot move it to another one.

    A place has no NUL.
    """
    return seal(f"{place}\0{plaintext}")


def unseal_at(place: str, sealed: str) -> str:
    """Raises CannotUnsealError, also for what was sealed for another place."""
    sealed_at, _, plaintext = unseal(sealed).partition("\0")
    if sealed_at != place:
        raise CannotUnsealError("A secret cannot be read: it was not sealed for the place where it is kept")
    return plaintext


def _sealer() -> MultiFernet:
    return _made(settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)


@lru_cache(maxsize=8)
def _made(*secret_keys: str) -> MultiFernet:
    return MultiFernet([Fernet(_derived(secret_key)) for secret_key in secret_keys])


def _derived(secret_key: str) -> bytes:
    derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=_PURPOSE).derive(secret_key.encode())
    return base64.urlsafe_b64encode(derived)
