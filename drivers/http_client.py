"""One HTTP request of one call: over a kept connection if there is one, ended at its deadline or on an abort.

Redirects are not followed, unless by a driver that says how: what is sent may hold secrets, and only the declared URL
may see it.
"""

import re
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass, replace
from urllib.parse import quote, unquote, urlsplit

from drivers import answers
from drivers.contract import Abort, Call, Outcome
from drivers.cutoff import Cutoff
from drivers.http_connections import CONNECT_TIMEOUT, Connection, Connections, Origin, PrivateAddress
from drivers.http_exchange import Answer, BadAnswer, NoAnswer, exchange

RETRIED_4XX = frozenset({408, 425, 429})
"""Statuses that ask for another try, though they are the caller's fault."""

LONGEST_URL, LONGEST_HOST = 16 * 1024, 253
"""In characters. A URL may come from anyone, and what is made of it is several times as large."""

_PLAIN = re.compile(r"[!-~]*").fullmatch
_HOST = re.compile(r"[a-z0-9._-]+|[0-9a-f:.]+(%[a-z0-9._~-]+)?").fullmatch
_UNQUOTED = "/%:@!$&'()*+,;=~-._[]"


@dataclass(frozen=True, slots=True)
class Target:
    """Where a URL leads."""

    origin: Origin
    host: str
    """The ``host`` header."""
    path: str
    """With its query."""
    authorization: str | None
    """The ``authorization`` header that the URL's own user and password make."""
    shown: str
    """The URL without password and query, for messages."""

    def authorized(self, authorization: str | None) -> "Target":
        return replace(self, authorization=authorization)


@dataclass(frozen=True, slots=True)
class Request:
    origin: Origin
    head: bytes
    """From the request line to the empty line."""
    body: bytes
    shown: str
    """Method and URL, for messages."""


class HttpClient:
    """For every thread of a process. A ``guarded`` one reaches private addresses only as the settings allow."""

    def __init__(self, guarded: bool = False) -> None:
        self._connections = Connections(guarded)

    def ask(
        self,
        request: Request,
        call: Call,
        abort: Abort,
        limit: int,
        follow: Callable[[Answer], Request | None] | None = None,
    ) -> Answer | Outcome:
        """The answer, with little more than ``limit`` bytes of its body, or what became of the call without one.

        ``follow`` says what to ask next, in the same time, if an answer is not yet the one.
        """
        with Cutoff(call.timeout, abort) as cutoff:
            try:
                answer = self.send(request, cutoff, limit)
                while follow is not None and (following := follow(answer)) is not None:
                    request = following
                    answer = self.send(request, cutoff, limit)
            except (OSError, BadAnswer) as fault:
                if cutoff.reason is None:
                    return answers.failed("HttpConnectionError", f"{request.shown} failed: {cause_of(fault)}")
            except PrivateAddress as fault:
                # Who runs the server has to change something, or who wrote the function.
                return answers.failed("PrivateAddress", f"{request.shown} failed: {fault}", retryable=False)
        if cutoff.reason is not None:
            return answers.aborted() if cutoff.reason == "abort" else answers.timed_out(call.timeout)
        return answer

    def close(self) -> None:
        self._connections.close()

    def send(self, request: Request, cutoff: Cutoff, limit: int) -> Answer:
        """The answer to one request, within a call's cutoff. Raises OSError, BadAnswer, PrivateAddress."""
        kept = self._connections.take(request.origin)
        if kept is not None:
            try:
                return self._exchange(kept, request, cutoff, limit)
            except NoAnswer:
                # The server closed it just as we took it, which is nobody's fault. A step's code runs at least
                # once, so sending it again is allowed, and saves a wait of the backoff.
                if cutoff.reason is not None:
                    raise
        fresh = self._connections.open(request.origin, cutoff)
        return self._exchange(fresh, request, cutoff, limit)

    def _exchange(self, connection: Connection, request: Request, cutoff: Cutoff, limit: int) -> Answer:
        cutoff.stops(connection.end)
        answer = None
        try:
            answer = exchange(connection, request.head, request.body, limit)
            return answer
        finally:
            # A connection that goes back belongs to others: from then on this call's cutoff must not end it.
            if answer is not None and answer.reusable and cutoff.release():
                self._connections.give_back(connection)
            else:
                cutoff.release()
                connection.close()


def status_line(request: Request, answer: Answer) -> str:
    """Says which status came, in words for a message."""
    return f"{request.shown} answered {answer.status} {answer.reason}".rstrip()


def answered(request: Request, answer: Answer) -> str:
    """As `status_line`; and where a redirect led, for who follows none."""
    message = status_line(request, answer)
    if 300 <= answer.status < 400:
        message += f" to {answer.headers.get('location', 'nowhere')}; redirects are not followed"
    return message


def header(value: str) -> str:
    """The text as a header's value, whatever is in it."""
    return value if _PLAIN(value) else quote(value)


def target_of(url: str) -> Target:
    """Raises ValueError, in words for the function's author."""
    check_length(url)
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https"):
        raise ValueError(f"a step's url begins with http:// or https://, not {url!r}")
    if not parts.hostname:
        raise ValueError(f"the step's url {url!r} names no host")
    host = parts.hostname.encode("idna").decode().lower() if len(parts.hostname) <= LONGEST_HOST else ""
    if not _HOST(host) or len(host) > LONGEST_HOST:
        raise ValueError(f"the step's url {url!r} names a host that cannot be")
    origin = Origin(parts.scheme, host, parts.port or (443 if parts.scheme == "https" else 80))
    shown_host = f"[{host}]" if ":" in host else host
    if parts.port is not None:
        shown_host += f":{parts.port}"
    path = quote(parts.path or "/", safe=_UNQUOTED)
    shown = f"{parts.scheme}://{shown_host}{path}"
    if parts.query:
        path += "?" + quote(parts.query, safe=_UNQUOTED + "?")
    authorization = None
    if parts.username is not None:
        login = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        authorization = f"Basic {b64encode(login.encode()).decode()}"
    return Target(origin, shown_host, path, authorization, shown)


def check_length(url: str) -> None:
    """Raises ValueError for a URL that is too long. Comes before `urlsplit`, which keeps what it is given."""
    if len(url) > LONGEST_URL:
        raise ValueError(f"the step's url has {len(url):,} characters; {LONGEST_URL:,} are allowed")


def cause_of(fault: Exception) -> str:
    """Why a request failed, in words for a message."""
    if isinstance(fault, TimeoutError):
        return f"no connection within {CONNECT_TIMEOUT:g} s"
    if isinstance(fault, OSError):
        return f"{fault.strerror or fault} ({type(fault).__name__})"
    return str(fault)
