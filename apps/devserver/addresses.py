"""The address on which the development server listens, and how it is reached."""

import socket
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address

from apps.devserver.faults import CannotStart

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Address:
    """An IP address of this machine, or of all of it, and a port."""

    host: str
    port: int

    @property
    def is_loopback(self) -> bool:
        return ip_address(self.host).is_loopback

    @property
    def is_wildcard(self) -> bool:
        """Whether it stands for every address of the machine."""
        return ip_address(self.host).is_unspecified

    @property
    def family(self) -> socket.AddressFamily:
        return socket.AF_INET6 if isinstance(ip_address(self.host), IPv6Address) else socket.AF_INET

    @property
    def own_url(self) -> str:
        """How we reach it ourselves."""
        host = {"0.0.0.0": LOOPBACK, "::": "::1"}.get(self.host, self.host)  # noqa: S104 - compared, not listened on
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"

    @property
    def url(self) -> str:
        """How people and apps on this machine reach it."""
        return f"http://localhost:{self.port}" if self.host == LOOPBACK or self.is_wildcard else self.own_url


def address_of(host: str, port: int) -> Address:
    """The address of a host that may be a name. Raises CannotStart if it is none of this machine's."""
    try:
        return Address(str(ip_address(host.strip("[]"))), port)
    except ValueError:
        pass
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise CannotStart(f"The host {host!r} is not known; --host names an address of this machine.") from None
    # Of several, IPv4: it is what a name such as localhost is taken for.
    first = min(found, key=lambda one: one[0] != socket.AF_INET)
    return Address(str(first[4][0]), port)
