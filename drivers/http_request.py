"""One HTTP request to one URL, over a connection of its own: for what is asked now and then, not for calls of steps."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from drivers.contract import MIB, Abort
from drivers.cutoff import Cutoff
from drivers.http_client import target_of
from drivers.http_connections import Connection, Connections, Origin
from drivers.http_exchange import BadAnswer, exchange
from drivers.shown_text import one_line

_SHOWN_CHARS = 120
_MOST_BYTES = 8 * MIB


class Unreachable(Exception):
    """No HTTP answer came from the URL; the text says why."""


@dataclass(frozen=True, slots=True)
class Found:
    """What answered at a URL."""

    url: str
    status: int
    reason: str
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes

    def json(self) -> object:
        """The body's value, or None if it is not JSON."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None

    def described(self) -> str:
        """Status, content type and beginning in one printable line, for a person who wonders what is there."""
        text = f"{self.status} {self.reason}".rstrip()
        if kind := self.headers.get("content-type"):
            text += f", {kind.split(';')[0].strip()}"
        text = one_line(text, _SHOWN_CHARS)
        if 300 <= self.status < 400:
            location = one_line(self.headers.get("location", "nowhere"), _SHOWN_CHARS)
            return f"{text}, to {location}; redirects are not followed"
        beginning = one_line(self.body[: _SHOWN_CHARS * 16].decode(errors="replace"), _SHOWN_CHARS)
        return f"{text}: {beginning}" if beginning else f"{text}, with no body"


def request(method: str, url: str, headers: Mapping[str, str], body: bytes = b"", *, timeout: float) -> Found:
    """Send it and read the whole answer within `timeout` seconds. Redirects are not followed. Raises Unreachable."""
    origin, head = _head(method, url, {**headers, "content-length": str(len(body))})
    with Cutoff(timeout, Abort()) as cutoff:
        connection: Connection | None = None
        try:
            connection = Connections().open(origin, cutoff)
            cutoff.stops(connection.end)
            answer = exchange(connection, head, body, _MOST_BYTES)
        except (OSError, BadAnswer) as fault:
            if cutoff.reason is not None or isinstance(fault, TimeoutError):
                raise Unreachable(f"no answer from {url} within {timeout:g} s") from None
            raise Unreachable(f"no answer from {url}: {_cause(fault)}") from None
        finally:
            cutoff.release()
            if connection is not None:
                connection.close()
    if len(answer.body) > _MOST_BYTES:
        raise Unreachable(f"the answer of {url} is larger than {_MOST_BYTES // MIB} MiB")
    return Found(url, answer.status, answer.reason, answer.headers, answer.body)


def _head(method: str, url: str, headers: Mapping[str, str]) -> tuple[Origin, bytes]:
    """Where the URL leads, and the request's head. Raises Unreachable for a URL that leads nowhere."""
    try:
        target = target_of(url)
    except ValueError:
        raise Unreachable(f"{url!r} is not a URL that begins with http:// or https:// and names a host") from None
    lines = [
        f"{method} {target.path} HTTP/1.1",
        f"host: {target.host}",
        "user-agent: inngest-server",
        "accept: application/json",
        "accept-encoding: identity",
        "connection: close",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    if target.authorization is not None:
        lines.append(f"authorization: {target.authorization}")
    return target.origin, ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def _cause(fault: Exception) -> str:
    reason = getattr(fault, "strerror", None)
    return reason[:1].lower() + reason[1:] if isinstance(reason, str) else str(fault)
