"""The http driver: POST the step's input to a URL; the answer is its output.

Redirects are not followed: a step's input may hold secrets, and only the declared URL may see it.
"""

import re
from base64 import b64encode
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import quote, unquote, urlsplit

from drivers import answers
from drivers.contract import Abort, Call, Outcome
from drivers.cutoff import Cutoff
from drivers.http_connections import CONNECT_TIMEOUT, Connection, Connections, Origin
from drivers.http_exchange import Answer, BadAnswer, NoAnswer, exchange
from drivers.retry_after import seconds_to_wait

_RETRIED_4XX = frozenset({408, 425, 429})
_PLAIN = re.compile(r"[!-~]*").fullmatch
_UNQUOTED = "/%:@!$&'()*+,;=~-._[]"


@dataclass(frozen=True, slots=True)
class _Target:
    origin: Origin
    head: bytes
    """The request up to the headers that differ from call to call."""
    shown: str
    """The URL without its password, for messages."""


class HttpDriver:
    queue = "steps"

    def __init__(self) -> None:
        self._connections = Connections()

    def run(self, call: Call, abort: Abort) -> Outcome:
        try:
            target = _target(str(call.runtime.get("url", "")))
        except ValueError as fault:
            return answers.failed("InvalidURL", str(fault), retryable=False)
        with Cutoff(call.timeout, abort) as cutoff:
            try:
                answer = self._post(call, target, cutoff)
            except (OSError, BadAnswer) as fault:
                if cutoff.reason is None:
                    return answers.failed("HttpConnectionError", f"POST {target.shown} failed: {_cause(fault)}")
        if cutoff.reason is not None:
            return answers.aborted() if cutoff.reason == "abort" else answers.timed_out(call.timeout)
        return _outcome(call, target, answer)

    def close(self) -> None:
        self._connections.close()

    def _post(self, call: Call, target: _Target, cutoff: Cutoff) -> Answer:
        kept = self._connections.take(target.origin)
        if kept is not None:
            try:
                return self._exchange(kept, call, target, cutoff)
            except NoAnswer:
                # The server closed it just as we took it, which is nobody's fault. A step's code runs at least
                # once, so sending it again is allowed, and saves a wait of the backoff.
                if cutoff.reason is not None:
                    raise
        fresh = self._connections.open(target.origin, cutoff)
        return self._exchange(fresh, call, target, cutoff)

    def _exchange(self, connection: Connection, call: Call, target: _Target, cutoff: Cutoff) -> Answer:
        cutoff.stops(connection.end)
        answer = None
        try:
            answer = exchange(connection, _head(call, target), call.payload, call.limits.output_bytes)
            return answer
        finally:
            # A connection that goes back belongs to others: from then on this call's cutoff must not end it.
            if answer is not None and answer.reusable and cutoff.release():
                self._connections.give_back(connection)
            else:
                cutoff.release()
                connection.close()


def _head(call: Call, target: _Target) -> bytes:
    own = (
        f"x-run-id: {_header(call.run_id)}\r\n"
        f"x-inngest-step-id: {_header(call.step_id)}\r\n"
        f"x-inngest-attempt: {call.attempt}\r\n"
        f"content-length: {len(call.payload)}\r\n\r\n"
    )
    return target.head + own.encode()


def _outcome(call: Call, target: _Target, answer: Answer) -> Outcome:
    if 200 <= answer.status < 300:
        if len(answer.body) > call.limits.output_bytes:
            return answers.too_large(len(answer.body), call.limits, at_least=True)
        return answers.completed(answer.body, call.limits)
    message = f"POST {target.shown} answered {answer.status} {answer.reason}".rstrip()
    if 300 <= answer.status < 400:
        message += f" to {answer.headers.get('location', 'nowhere')}; redirects are not followed"
    retryable = not 400 <= answer.status < 500 or answer.status in _RETRIED_4XX
    if answer.headers.get("x-inngest-no-retry", "").lower() == "true":
        retryable = False
    return answers.failed(
        "HttpError",
        message,
        output=answers.kept_body(answer.body, call.limits),
        retryable=retryable,
        retry_after=seconds_to_wait(answer.headers) if retryable else None,
    )


def _cause(fault: Exception) -> str:
    if isinstance(fault, TimeoutError):
        return f"no connection within {CONNECT_TIMEOUT:g} s"
    if isinstance(fault, OSError):
        return f"{fault.strerror or fault} ({type(fault).__name__})"
    return str(fault)


def _header(value: str) -> str:
    return value if _PLAIN(value) else quote(value)


@lru_cache(maxsize=4096)
def _target(url: str) -> _Target:
    """Raises ValueError, in words for the function's author."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https"):
        raise ValueError(f"a step's url begins with http:// or https://, not {url!r}")
    if not parts.hostname:
        raise ValueError(f"the step's url {url!r} names no host")
    host = parts.hostname.encode("idna").decode()
    origin = Origin(parts.scheme, host, parts.port or (443 if parts.scheme == "https" else 80))
    shown_host = f"[{host}]" if ":" in host else host
    if parts.port is not None:
        shown_host += f":{parts.port}"
    path = quote(parts.path or "/", safe=_UNQUOTED)
    if parts.query:
        path += "?" + quote(parts.query, safe=_UNQUOTED + "?")
    lines = [
        f"POST {path} HTTP/1.1",
        f"host: {shown_host}",
        "user-agent: inngest-server",
        "accept: application/json",
        "accept-encoding: identity",
        "content-type: application/json",
    ]
    if parts.username is not None:
        login = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        lines.append(f"authorization: Basic {b64encode(login.encode()).decode()}")
    head = "\r\n".join([*lines, ""]).encode()
    return _Target(origin, head, f"{parts.scheme}://{shown_host}{path}")
