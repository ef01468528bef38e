"""The requests that the code of one step makes with `fetch`: side by side, to listed hosts only.

Nothing that the sandbox says is believed: which host, how large, how many is decided here, on what is then sent.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import urlsplit

import msgspec

from drivers.contract import Abort, Limits
from drivers.cutoff import Cutoff
from drivers.gateway_requests import OURS, request_of
from drivers.http_client import HttpClient, Request, cause_of, check_length, target_of
from drivers.http_connections import Origin, PrivateAddress
from drivers.http_exchange import Answer, BadAnswer
from drivers.redirects import MOST, REDIRECTS, redirected
from drivers.script_hosts import is_listed, shown_host

AT_ONCE = 6
"""Requests of one step under way at once, or answered and not yet taken; more wait for their turn."""
MOST_WAITING = 1_000
"""Requests of one step that wait for their turn."""
BODY_PART = 8
"""A response may have this part of the step's memory. All that are held at once are fewer, so they fit into it."""

MOST_LEFT = 64
"""Requests that ended steps may leave behind in a process, in look-ups of names, which nothing can interrupt. While
there are so many no other begins."""

_REFUSALS_KEPT = 100
_IGNORED = "accept-encoding"


class Asked(msgspec.Struct):
    """What `fetch` was called with."""

    id: int
    url: str
    method: str
    headers: list[tuple[str, str]]
    redirect: Literal["follow", "error", "manual"]


@dataclass(frozen=True, slots=True)
class Done:
    """What became of a request: what its promise is settled with."""

    said: str
    """JSON that the prelude reads."""
    body: bytes = b""


class _Refused(Exception):
    """The request is not made, or its answer not taken."""

    def __init__(self, message: str, name: str = "TypeError") -> None:
        super().__init__(message)
        self.name = name


@dataclass(slots=True, eq=False)
class _Request:
    asked: Asked
    body: bytes
    size: int
    abort: Abort = field(default_factory=Abort)


_left: set[_Request] = set()
"""Requests of steps that have ended whose threads have not."""


class Fetches:
    """Those of one attempt. `wake` is called, in another thread, when one is done."""

    def __init__(
        self, client: HttpClient, hosts: tuple[str, ...], limits: Limits, deadline: float, wake: Callable[[], None]
    ) -> None:
        """`deadline` is of the monotonic clock."""
        self._client = client
        self._hosts = hosts
        self._body_bytes = limits.memory_bytes // BODY_PART
        self._waiting_bytes = limits.memory_bytes
        self._deadline = deadline
        self._wake = wake
        self._lock = threading.Lock()
        self._waiting: deque[_Request] = deque()
        self._running: list[_Request] = []
        self._done: list[Done] = []
        self._closed = False
        self.refused: set[tuple[str, str]] = set()
        """Names and messages of errors that another attempt of this step would meet too."""

    def pending(self) -> bool:
        """Whether an answer is still to come, or to be taken."""
        with self._lock:
            return bool(self._waiting or self._running or self._done)

    def begin(self, description: str, body: bytes) -> bool:
        """Make the request; its answer is among the `taken` some day. False if too much waits already. Never raises."""
        try:
            asked = msgspec.json.decode(description, type=Asked)
        except msgspec.DecodeError:  # the step replaced what our prelude builds on
            return False
        one = _Request(asked, body, len(description) + len(body))
        with self._lock:
            if len(self._waiting) >= MOST_WAITING or one.size > self._waiting_bytes:
                return False
            self._waiting_bytes -= one.size
            self._waiting.append(one)
            self._start()
        return True

    def refusal(self, url: str) -> str:
        """Why a step that lists no hosts may not fetch the URL, and what would let it. Never raises."""
        try:
            message = _unlisted(shown_host(_origin(url)), (), False)
        except _Refused:
            message = _unlisted("api.example.com", (), False).replace("fetch of api.example.com", "fetch", 1)
        return str(self._refused(message, "HostNotAllowed"))

    def stop(self, number: int) -> None:
        """Nobody waits for this one any more."""
        with self._lock:
            for one in [one for one in self._waiting if one.asked.id == number]:
                self._waiting.remove(one)
                self._waiting_bytes += one.size
            running = [one for one in self._running if one.asked.id == number]
        for one in running:
            one.abort.set()

    def taken(self) -> list[Done]:
        """What was done since the last time. Those that waited for it begin."""
        with self._lock:
            done, self._done = self._done, []
            self._start()
            return done

    def close(self) -> None:
        """End all that are under way, at once."""
        with self._lock:
            self._closed = True
            self._waiting.clear()
            running = list(self._running)
            _left.update(running)  # before they can end, so that each is taken away after
        for one in running:
            one.abort.set()

    def _start(self) -> None:
        """Begin what there is room for. Called with the lock held."""
        while self._waiting and not self._closed and len(self._running) + len(self._done) < AT_ONCE:
            one = self._waiting.popleft()
            self._running.append(one)
            try:
                if len(_left) >= MOST_LEFT:
                    raise _Refused("fetch failed: too many look-ups of names wait for an answer")
                threading.Thread(target=self._run, args=(one,), name="script-fetch", daemon=True).start()
            except _Refused as refused:
                self._end(one, _failed(one.asked.id, refused))
                self._wake()
            except RuntimeError:  # the machine has no thread left
                self._end(one, _failed(one.asked.id, _Refused("fetch failed: the server has no thread left for it")))
                self._wake()

    def _run(self, one: _Request) -> None:
        try:
            done = self._fetch(one)
        except _Refused as refused:
            done = _failed(one.asked.id, refused)
        except Exception as fault:
            done = _failed(one.asked.id, _Refused(f"fetch failed: {type(fault).__name__}"))
        with self._lock:
            self._end(one, done)
            _left.discard(one)
        self._wake()

    def _end(self, one: _Request, done: Done) -> None:
        """Called with the lock held."""
        self._running.remove(one)
        self._waiting_bytes += one.size
        if not self._closed:
            self._done.append(done)

    def _fetch(self, one: _Request) -> Done:
        asked = one.asked
        headers = _headers(asked.headers)
        opts: Mapping[str, Any] = {"url": asked.url, "method": asked.method, "headers": headers, "body": one.body}
        with Cutoff(max(self._deadline - time.monotonic(), 0.0), one.abort) as cutoff:
            for followed in range(MOST + 1):
                request = self._request(opts, followed > 0)
                answer = self._send(request, cutoff)
                location = answer.headers.get("location")
                if answer.status not in REDIRECTS or not location or asked.redirect == "manual":
                    return _answered(asked.id, answer, opts, followed > 0)
                if asked.redirect == "error":
                    raise _Refused(f"{request.shown} answered with a redirect, and fetch was told that it is an error")
                try:
                    opts = redirected(opts, answer.status, location)
                except ValueError:
                    raise _Refused(f"{request.shown} answered with a redirect to what is no URL") from None
        raise _Refused(f"{request.shown} answered with more than {MOST} redirects in a row")

    def _request(self, opts: Mapping[str, Any], was_redirected: bool) -> Request:
        """Raises _Refused if it may not, or cannot, be made."""
        origin = _origin(opts["url"])
        if not is_listed(origin, self._hosts):
            raise self._refused(_unlisted(shown_host(origin), self._hosts, was_redirected), "HostNotAllowed")
        try:
            return request_of("Gateway", opts)
        except ValueError as fault:
            raise _Refused(f"fetch failed: {fault}") from None

    def _send(self, request: Request, cutoff: Cutoff) -> Answer:
        try:
            answer = self._client.send(request, cutoff, self._body_bytes)
        except PrivateAddress as fault:
            raise self._refused(f"{request.shown} failed: {fault}", "PrivateAddress") from None
        except (OSError, BadAnswer) as fault:
            raise _Refused(f"{request.shown} failed: {cause_of(fault)}") from None
        if len(answer.body) > self._body_bytes:
            raise _Refused(
                f"the response to {request.shown} is larger than {self._body_bytes:,} bytes, the most that fetch takes"
            )
        return answer

    def _refused(self, message: str, name: str) -> _Refused:
        if len(self.refused) < _REFUSALS_KEPT:
            self.refused.add((name, message))
        return _Refused(message, name)


def _headers(headers: list[tuple[str, str]]) -> dict[str, str]:
    kept: dict[str, str] = {}
    for name, value in headers:
        key = name.lower()
        if key in OURS and key != _IGNORED:
            raise _Refused(f"the header {name} is for fetch itself to set")
        kept[key] = f"{kept[key]}, {value}" if key in kept else value
    return kept


def _origin(url: str) -> Origin:
    """Where a URL leads. Raises _Refused."""
    try:
        check_length(url)
        odd = set(urlsplit(url).netloc) & {"@", "\\"}
        origin = target_of(url).origin
    except ValueError:
        raise _Refused("fetch failed: its URL is not a whole http:// or https:// URL") from None
    if odd:  # programs differ in which host is meant, and who lists hosts must not have to wonder
        raise _Refused("fetch takes no URL with a user, a password or a backslash before its path")
    return origin


def _unlisted(host: str, hosts: tuple[str, ...], was_redirected: bool) -> str:
    what, where = f"fetch of {host}", "the step's runtime in inngest.json"
    if was_redirected:
        what += ", where a redirect leads,"
    if hosts:
        return f'{what} is not allowed: add "{host}" to "hosts" of {where}'
    return f'{what} is not allowed here: add "hosts": ["{host}"] to {where}'


def _failed(number: int, refused: _Refused) -> Done:
    return Done(_json({"id": number, "name": refused.name, "message": str(refused)}))


def _answered(number: int, answer: Answer, opts: Mapping[str, Any], was_redirected: bool) -> Done:
    target = target_of(opts["url"])
    said = {
        "id": number,
        "status": answer.status,
        "statusText": answer.reason,
        "headers": [*answer.repeated, *answer.headers.items()],
        "url": f"{target.origin.scheme}://{target.host}{target.path}",
        "redirected": was_redirected,
    }
    return Done(_json(said), answer.body)


def _json(said: Mapping[str, object]) -> str:
    return msgspec.json.encode(said).decode()
