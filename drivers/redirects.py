"""Where a redirect sends a request that a step asked for: as fetch follows it, in browsers and in Node."""

from collections.abc import Mapping
from urllib.parse import urljoin, urlsplit

from drivers.gateway_requests import SECRET_HEADERS, request_of
from drivers.http_client import Request, check_length
from drivers.http_exchange import Answer

MOST = 20
"""Redirects that are followed in a row."""

_KEEP_METHOD = frozenset({307, 308})
_SEE_OTHER = 303
REDIRECTS = _KEEP_METHOD | {301, 302, _SEE_OTHER}
_OF_THE_BODY = ("content-type", "content-encoding", "content-language", "content-location")


class Redirects:
    """Those of one fetch."""

    def __init__(self, opts: Mapping[str, object]) -> None:
        self._opts = opts
        self._left = MOST

    def next(self, answer: Answer) -> Request | None:
        """The request that the answer sends us on to, or None if it is the result."""
        location = answer.headers.get("location")
        if answer.status not in REDIRECTS or not location or not self._left:
            return None
        self._left -= 1
        try:
            self._opts = redirected(self._opts, answer.status, location)
            return request_of("Gateway", self._opts)
        except ValueError:  # it leads to what is no HTTP: the function may know what to do with it
            return None


def redirected(opts: Mapping[str, object], status: int, location: str) -> Mapping[str, object]:
    """What to ask after such an answer, of the options that step.fetch has. Raises ValueError if it is no URL."""
    asked, method, body = str(opts.get("url")), str(opts.get("method") or "GET").upper(), opts.get("body")
    check_length(location)
    url, headers = urljoin(asked, location), opts.get("headers")
    kept = {name.lower(): value for name, value in headers.items()} if isinstance(headers, Mapping) else {}
    if status not in _KEEP_METHOD and method not in ("GET", "HEAD") and (method == "POST" or status == _SEE_OTHER):
        method, body = "GET", None
        for name in _OF_THE_BODY:
            kept.pop(name, None)
    if _origin(url) != _origin(asked):
        for name in SECRET_HEADERS:
            kept.pop(name, None)
    return {"url": url, "method": method, "headers": kept, "body": body}


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port
