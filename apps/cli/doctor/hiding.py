"""Nothing that is printed may have a secret in it, whatever a driver's error quotes."""

from collections.abc import Mapping
from urllib.parse import unquote, urlsplit

_SECRETS = ("SECRET_KEY", "SECRET_KEY_FALLBACKS", "INNGEST_API_TOKEN", "PGPASSWORD")
_ADDRESSES = ("DATABASE_URL", "BROKER_URL", "INNGEST_API_URL")
_HIDDEN = "…"


def hide(text: str, variables: Mapping[str, str]) -> str:
    """The text without the secrets that these environment variables hold."""
    for secret in sorted(_secrets(variables), key=len, reverse=True):
        text = text.replace(secret, _HIDDEN)
    return text


def _secrets(variables: Mapping[str, str]) -> set[str]:
    found = {part.strip() for name in _SECRETS for part in variables.get(name, "").split(",")}
    for name in _ADDRESSES:
        found |= _passwords(variables.get(name, ""))
    # What is this short is no secret, and would tear holes into every sentence.
    return {secret for secret in found if len(secret) > 2}


def _passwords(address: str) -> set[str]:
    """Of a URL, also one that cannot be read; and of libpq's `key=value` form."""
    found = {word.removeprefix("password=").strip("'") for word in address.split() if word.startswith("password=")}
    try:
        password = urlsplit(address).password
    except ValueError:
        password = None
    if password is None and "@" in address:
        password = address.partition("://")[2].rpartition("@")[0].partition(":")[2]
    return found | {password, unquote(password)} if password else found
