"""Signatures by which an app knows our calls, and we know an app's answers: HMAC-SHA256 with a shared key."""

import hashlib
import hmac
import re

from drivers.canonical_json import canonical

__all__ = ["bearer_of", "canonical", "sign", "verify", "without_prefix"]

_PREFIX = re.compile(r"signkey-\w+-")
_HEADER = re.compile(r"t=(?P<at>[0-9]{1,12})&s=(?P<signature>[0-9a-f]{64})").fullmatch


def sign(body: bytes, key: str, at: int) -> str:
    """The ``x-inngest-signature`` of these bytes, at a Unix time in seconds."""
    return f"t={at}&s={_signature(body, key, at)}"


def verify(body: bytes, header: str, key: str, now: int, tolerance: int = 300) -> bool:
    """Whether the header signs these bytes with this key, at most ``tolerance`` seconds from now."""
    found = _HEADER(header)
    if found is None:
        return False
    at = int(found["at"])
    return abs(now - at) <= tolerance and hmac.compare_digest(found["signature"], _signature(body, key, at))


def bearer_of(key: str) -> str:
    """What a client shows instead of the key, which itself never leaves it. Raises ValueError if the key is not hex."""
    secret = without_prefix(key)
    return key[: len(key) - len(secret)] + hashlib.sha256(bytes.fromhex(secret)).hexdigest()


def without_prefix(key: str) -> str:
    """The key less its ``signkey-<environment>-``. Its text, not the bytes that it spells, is what signs."""
    prefix = _PREFIX.match(key)
    return key[prefix.end() :] if prefix else key


def _signature(body: bytes, key: str, at: int) -> str:
    return hmac.new(without_prefix(key).encode(), body + str(at).encode(), hashlib.sha256).hexdigest()
