"""Where apps are: URLs as people write them, which of them mean one place, and where apps usually are."""

from ipaddress import IPv6Address, ip_address
from urllib.parse import urlsplit

PORTS = (
    80,
    *range(3000, 3011),  # Node: Express, Next.js, Remix
    4000,
    4321,  # Astro
    5000,  # Flask
    5001,
    5173,  # Vite
    8000,  # Django, FastAPI
    8001,
    8080,
    8081,
    8787,  # Cloudflare's wrangler
    8788,
    8888,  # Netlify
    8910,  # Redwood
    8911,
    9000,
    9999,
)
PATHS = ("/api/inngest", "/x/inngest", "/.netlify/functions/inngest", "/.redwood/functions/inngest")
HOSTS = ("localhost", "[::1]")
"""The second for what listens there alone, on a machine where `localhost` is only 127.0.0.1."""

Place = tuple[str, int, str]
"""Host, port and path."""

_LOOPBACK = "loopback"


def written_out(text: str) -> str:
    """The URL that a person means by `3000`, `localhost:3000` or a whole one. Raises ValueError."""
    url = f"localhost:{text}" if text.isdecimal() else text
    url = url if "://" in url else f"http://{url}"
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.port == 0:
        raise ValueError(f"{text!r} is not the URL of an app, such as http://localhost:3000/api/inngest")
    return url if parts.path not in ("", "/") else f"{parts.scheme}://{parts.netloc}{PATHS[0]}"


def place_of(url: str) -> Place | None:
    """What an http(s) URL leads to, the names of this machine taken for one; None for any other URL."""
    try:
        parts = urlsplit(url)
        port = parts.port or {"http": 80, "https": 443}[parts.scheme]
    except (ValueError, KeyError):
        return None
    host = parts.hostname or ""
    return (_LOOPBACK if _is_loopback(host) else host, port, parts.path)


def is_local(place: Place) -> bool:
    """Whether it is on this machine."""
    return place[0] == _LOOPBACK


def _is_loopback(host: str) -> bool:
    """Whether it is a name of this machine by itself: `127.evil.com` is anybody's."""
    try:
        address = ip_address(host)
    except ValueError:
        return host == "localhost"
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped.is_loopback
    return address.is_loopback


def ports_in(text: str) -> tuple[int, ...]:
    """The ports of a list such as `3000-3010,8000`. Raises ValueError."""
    ports: list[int] = []
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        low, high = int(first), int(last) if dash else int(first)
        if not 0 < low <= high < 65536:
            raise ValueError("a port is a number from 1 to 65535")
        ports.extend(range(low, high + 1))
    return tuple(dict.fromkeys(ports))
