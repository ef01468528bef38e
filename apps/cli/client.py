"""Asking the server: one class for every request, and for everything that an answer can be."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

import msgspec

from apps.cli.json_text import decode
from apps.cli.refusals import NotOurs, Refused, Unreachable, refused, unreachable
from apps.cli.servers import Server

if TYPE_CHECKING:  # urllib3 takes 80 ms to import, and `inngest --help` does without it
    from urllib3 import BaseHTTPResponse, PoolManager

__all__ = ["Client", "NotOurs", "Refused", "Unreachable", "quoted"]

KIND = "X-Inngest-Server-Kind"
CONNECT_SECONDS = 5.0
READ_SECONDS = 30.0
SEND_SECONDS = 300.0
"""For the answer to a deploy or to many events, which the server works on first."""
MAX_ANSWER_BYTES = 128 * 1024 * 1024
_CHUNK_BYTES = 64 * 1024

Value = str | int | bool | Sequence[str] | None
"""Of a query parameter. None leaves it out, a list repeats it."""


class Client:
    """Talks to one server, as one token. Errors come as Refused, NotOurs and Unreachable, all of them Problems."""

    def __init__(self, server: Server, connect_seconds: float = CONNECT_SECONDS, read_seconds: float = READ_SECONDS):
        self.server = server
        self._seconds = (connect_seconds, read_seconds)
        self._pool: PoolManager | None = None

    def get(self, path: str, **params: Value) -> Any:
        return decode(self.get_bytes(path, **params))

    def get_bytes(self, path: str, **params: Value) -> bytes:
        """The answer as it came: a function's file, or JSON whose numbers are to stay as they are."""
        return self._ask("GET", path, None, {}, params)

    def post(self, path: str, body: object = None, **params: Value) -> Any:
        content = msgspec.json.encode({} if body is None else body)
        return decode(self._ask("POST", path, content, {"content-type": "application/json"}, params))

    def delete(self, path: str) -> Any:
        return decode(self._ask("DELETE", path, None, {}, {}))

    def send(
        self,
        method: str,
        path: str,
        content: bytes,
        content_type: str,
        params: Mapping[str, Value] | None = None,
        on_sent: Callable[[int], None] = lambda _: None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """Sends a large body. `on_sent` is called with the bytes that have gone out so far."""
        headers = {"content-type": content_type, "content-length": str(len(content)), **(headers or {})}
        body = _chunks(content, on_sent)
        return decode(self._ask(method, path, body, headers, params or {}, read_seconds=SEND_SECONDS))

    def _ask(
        self,
        method: str,
        path: str,
        body: bytes | Iterator[bytes] | None,
        headers: Mapping[str, str],
        params: Mapping[str, Value],
        *,
        read_seconds: float | None = None,
    ) -> bytes:
        import urllib3

        connect, read = self._seconds
        url = f"{self.server.url}{path}{_query(params)}"
        try:
            response = self._pooled().request(
                method,
                url,
                body=body,
                headers={**self._headers(), **headers},
                timeout=urllib3.Timeout(connect=connect, read=read_seconds or read),
                retries=False,
                redirect=False,
                preload_content=False,
            )
            content = response.read(MAX_ANSWER_BYTES + 1, decode_content=True)
            response.release_conn()
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise unreachable(self.server, error) from error
        return _checked(self.server, response, content)

    def _headers(self) -> dict[str, str]:
        headers = {"accept": "application/json", "accept-encoding": "gzip", "user-agent": "inngest-cli"}
        if self.server.token is not None:
            headers["authorization"] = f"Bearer {self.server.token}"
        if self.server.branch is not None:
            headers["x-inngest-env"] = self.server.branch
        return headers

    def _pooled(self) -> "PoolManager":
        if self._pool is None:
            from apps.cli.proxies import pool_for

            self._pool = pool_for(self.server.url)
        return self._pool


def quoted(part: str) -> str:
    """A function's id, or another name, as one part of a path."""
    return quote(part, safe="")


def _query(params: Mapping[str, Value]) -> str:
    pairs: list[tuple[str, str]] = []
    for name, value in params.items():
        if value is None:
            continue
        if isinstance(value, bool):
            pairs.append((name, "true" if value else "false"))
        elif isinstance(value, str | int):
            pairs.append((name, str(value)))
        else:
            pairs.extend((name, one) for one in value)
    return f"?{urlencode(pairs)}" if pairs else ""


def _chunks(content: bytes, on_sent: Callable[[int], None]) -> Iterator[bytes]:
    for start in range(0, len(content), _CHUNK_BYTES):
        yield content[start : start + _CHUNK_BYTES]
        on_sent(min(start + _CHUNK_BYTES, len(content)))


def _checked(server: Server, response: "BaseHTTPResponse", content: bytes) -> bytes:
    """The body of a good answer of one of our servers. Raises Refused and NotOurs."""
    ours = KIND in response.headers
    if response.status >= 300:
        raise refused(server, response.status, response.headers, content, ours)
    if not ours:
        raise NotOurs(server, content)
    if len(content) > MAX_ANSWER_BYTES:
        raise Refused(f"{server.url} answers with more than {MAX_ANSWER_BYTES >> 20} MiB", "", response.status, None)
    return content
