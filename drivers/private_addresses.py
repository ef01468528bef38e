"""Which addresses are private: all that the public internet does not route to.

Told of the address that is connected to, never of a name: what a name means is its owner's to change, between a check
and a connection too. The blocks are those of the IANA's special-purpose registries; where only parts of one are
reachable the whole of it counts as private.
"""

from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

_Address = IPv4Address | IPv6Address
_Network = IPv4Network | IPv6Network

_IPV4 = [
    (IPv4Network(block), f"IPv4, {words}")
    for block, words in (
        ("127.0.0.0/8", "this machine itself"),
        ("0.0.0.0/8", "this machine itself"),
        ("10.0.0.0/8", "a private network"),
        ("172.16.0.0/12", "a private network"),
        ("192.168.0.0/16", "a private network"),
        ("169.254.0.0/16", "link-local"),
        ("100.64.0.0/10", "carrier-grade NAT"),
        ("224.0.0.0/4", "multicast"),
        ("255.255.255.255/32", "broadcast"),
        ("192.0.0.0/24", "reserved"),
        ("192.88.99.0/24", "reserved"),
        ("192.0.2.0/24", "for documentation"),
        ("198.51.100.0/24", "for documentation"),
        ("203.0.113.0/24", "for documentation"),
        ("198.18.0.0/15", "for benchmarks"),
        ("240.0.0.0/4", "reserved"),
    )
]
_IPV6 = [
    (IPv6Network(block), f"IPv6, {words}")
    for block, words in (
        ("::1/128", "this machine itself"),
        ("::/128", "this machine itself"),
        ("fc00::/7", "a private network"),
        ("fec0::/10", "a private network"),
        ("fe80::/10", "link-local"),
        ("ff00::/8", "multicast"),
        ("2001::/32", "a Teredo tunnel"),
        ("2001::/23", "reserved"),
        ("2001:db8::/32", "for documentation"),
        ("3fff::/20", "for documentation"),
    )
]
_GLOBAL_UNICAST = IPv6Network("2000::/3")
_NAT64 = IPv6Network("64:ff9b::/96")


def kind_of(address: str) -> str | None:
    """What kind of private address it is, in words ("IPv4, a private network"); None if it is a public one.

    ``address`` is one as a socket names it, in numbers. Raises ValueError for anything else.
    """
    meant = _meant(address)
    if isinstance(meant, IPv4Address):
        return next((words for block, words in _IPV4 if meant in block), None)
    reserved = next((words for block, words in _IPV6 if meant in block), None)
    return reserved or (None if meant in _GLOBAL_UNICAST else "IPv6, reserved")


def is_within(address: str, networks: tuple[str, ...]) -> bool:
    """Whether the address is in one of the networks, which are in CIDR. Raises ValueError."""
    meant = _meant(address)
    return any(meant in network for network in _parsed(networks))


def _meant(address: str) -> _Address:
    """The address that a connection arrives at: IPv6 has three ways to write one of IPv4 that do arrive there."""
    parsed = ip_address(address)
    if isinstance(parsed, IPv4Address):
        return parsed
    if parsed.ipv4_mapped is not None:
        return parsed.ipv4_mapped
    if parsed.sixtofour is not None:
        return parsed.sixtofour
    whole = IPv6Address(int(parsed))  # without a zone, which networks do not have
    return IPv4Address(int(whole) & 0xFFFFFFFF) if whole in _NAT64 else whole


@lru_cache(maxsize=16)
def _parsed(networks: tuple[str, ...]) -> tuple[_Network, ...]:
    return tuple(ip_network(network, strict=False) for network in networks)
