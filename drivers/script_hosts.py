"""Where the code of a step may send requests: what `hosts` of its runtime lists."""

from collections.abc import Iterable
from ipaddress import IPv6Address

from drivers.http_connections import Origin

_USUAL_PORTS = {"http": 80, "https": 443}


def is_listed(origin: Origin, hosts: tuple[str, ...]) -> bool:
    """Whether one of the hosts, as in `example.com`, `*.example.com` or `localhost:3000`, is the origin's.

    Without a port the scheme's own is meant. `*.` stands for one or more labels, and never for none.
    """
    host, is_usual = _plain(origin.host), origin.port == _USUAL_PORTS.get(origin.scheme)
    return any(
        (host.endswith(name[1:]) if name.startswith("*.") else host == name)
        and (is_usual if port is None else origin.port == port)
        for name, port in _parsed(hosts)
    )


def shown_host(origin: Origin) -> str:
    """The host as `hosts` would list it."""
    host = f"[{origin.host}]" if ":" in origin.host else origin.host
    return host if origin.port == _USUAL_PORTS.get(origin.scheme) else f"{host}:{origin.port}"


def _parsed(hosts: Iterable[str]) -> Iterable[tuple[str, int | None]]:
    for written in hosts:
        host, colon, port = written.strip().rpartition(":")
        if not colon or not port.isascii() or not port.isdigit() or (":" in host and not host.endswith("]")):
            host, port = written.strip(), ""  # the colons of an IPv6 address
        try:
            yield _plain(host.strip("[]")), int(port) if port else None
        except ValueError:  # what is no host matches none
            continue


def _plain(host: str) -> str:
    """The host in the one way to write it. Raises ValueError if it cannot be one."""
    if ":" in host:
        return IPv6Address(host.partition("%")[0]).compressed
    wildcard = "*." if host.startswith("*.") else ""
    return wildcard + host.removeprefix("*.").encode("idna").decode().lower().removesuffix(".")
