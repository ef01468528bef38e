"""Under which names a server in dev mode may be reached: it asks for no token, so a name must be meant."""

from collections.abc import Sequence
from ipaddress import ip_address

LOOPBACK = ("localhost", "127.0.0.1", "[::1]", "testserver")


def allowed_in_dev(listens_on: str, named: Sequence[str]) -> list[str]:
    """Loopback, the one address that it was told to listen on, and the names that a person gave.

    `*` is none: a page that had its own name resolve to this machine could run code on it.
    """
    allowed = [*LOOPBACK, *(name for name in named if name != "*")]
    try:
        address = ip_address(listens_on)
    except ValueError:
        return [*allowed, listens_on] if listens_on else allowed
    if address.is_unspecified or address.is_loopback:
        return allowed
    return [*allowed, f"[{address}]" if address.version == 6 else str(address)]
