"""The connection to the Docker engine that the settings name: one client a process, and what its faults mean."""

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import docker
import urllib3
from docker.transport.unixconn import UnixHTTPAdapter, UnixHTTPConnection, UnixHTTPConnectionPool

from drivers.settings import current
from drivers.shown_text import one_line

DEFAULT_HOST = "unix:///var/run/docker.sock"
_SECONDS = 120.0
"""How long an engine may think about one request: it starts containers slowly when it starts many."""

_FIRST_SECONDS = 10.0
"""How long it may take to tell its version: that needs no work, so one that is silent for longer hangs."""

_ANY_VERSION = "1.41"
"""Stands in until the engine has told its own."""

_CONNECTIONS = 256
"""Idle connections kept; more may be open at once."""

_clients: dict[tuple[int, str], docker.APIClient] = {}
_lock = threading.Lock()


class EngineAway(Exception):
    """The engine does not answer, or not as an engine does: nothing is known of the step. Says why."""


class _Connection(UnixHTTPConnection):  # type: ignore[misc]  # the SDK has no types
    def connect(self) -> None:
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.settimeout(self.timeout)
            connection.connect(self.unix_socket)
        except BaseException:
            connection.close()
            raise
        self.sock = connection


class _Pool(UnixHTTPConnectionPool):  # type: ignore[misc]
    def _new_conn(self) -> _Connection:
        return _Connection(self.base_url, self.socket_path, self.timeout)


class _Adapter(UnixHTTPAdapter):  # type: ignore[misc]
    """One pool. The SDK's own adapter makes one for each URL and closes the 26th, also under a thread that is about to
    use it; and it leaves sockets open that could not connect."""

    def __init__(self, path: str, seconds: float) -> None:
        super().__init__(f"http+unix://{path}", seconds)
        self._pool = _Pool("http+docker://localhost", path, seconds, _CONNECTIONS)

    def get_connection(self, url: str, proxies: object = None) -> _Pool:
        return self._pool

    def close(self) -> None:
        self._pool.close()
        super().close()


def host() -> str:
    return current().docker.host or DEFAULT_HOST


def client() -> docker.APIClient:
    """This process's client of the engine. Raises EngineAway."""
    key = (os.getpid(), host())  # a fork's child must not share its parent's sockets
    found = _clients.get(key)
    if found is not None:
        return found
    made = connect(key[1], _SECONDS)  # not under the lock: of a silent engine each caller waits for itself
    with _lock:
        found = _clients.setdefault(key, made)
    if found is not made:
        made.close()
    return found


def connect(address: str, seconds: float) -> docker.APIClient:
    """A client of its own, whose requests may take that long; the caller closes it. Raises EngineAway."""
    if not address.startswith(("unix://", "tcp://")):
        raise EngineAway(f"DOCKER_HOST is {address!r}; it has to begin with unix:// or tcp:// (without TLS)")
    with reaching(address):
        made = docker.APIClient(base_url=address, timeout=min(seconds, _FIRST_SECONDS), version=_ANY_VERSION)
        made.trust_env = False  # else each request looks for proxies and a .netrc
        adapter = made.adapters.get("http+docker://")
        if adapter is not None:
            adapter.close()
            made.mount("http+docker://", _Adapter(adapter.socket_path, seconds))
        try:
            # As the SDK asks for it, but through our adapter.
            made._version = made.version(api_version=False)["ApiVersion"]
            made.timeout = seconds
        except docker.errors.APIError as fault:
            made.close()
            words = explanation(fault)
            hint = "; DOCKER_HOST cannot be one that speaks TLS" if "https" in words.lower() else ""
            raise EngineAway(f"the Docker engine at {address} answers: {words}{hint}") from fault
        except (KeyError, TypeError) as fault:
            made.close()
            raise EngineAway(f"what answers at {address} is no Docker engine") from fault
        except BaseException:
            made.close()
            raise
    return made


def close_client() -> None:
    """Close what this process has open. Called when the driver is closed."""
    with _lock:
        for key in [key for key in _clients if key[0] == os.getpid()]:
            _clients.pop(key).close()


@contextmanager
def answering(address: str = "") -> Iterator[None]:
    """What goes wrong inside is raised as EngineAway if it is the engine's, not the request's: that is, anything but an
    answer with a status below 500."""
    try:
        with reaching(address):
            yield
    except docker.errors.APIError as fault:
        if fault.status_code is None or fault.status_code >= 500:
            raise EngineAway(f"the Docker engine answers: {explanation(fault)}") from fault
        raise


@contextmanager
def reaching(address: str = "") -> Iterator[None]:
    """Like ``answering``, but any answer of the engine passes, whatever its status."""
    try:
        yield
    except docker.errors.APIError:
        raise
    except (docker.errors.DockerException, OSError, urllib3.exceptions.HTTPError) as fault:  # requests' are OSErrors
        raise EngineAway(f"the Docker engine at {address or host()} does not answer: {_reason(fault)}") from fault


def explanation(fault: docker.errors.APIError) -> str:
    """The engine's own words, on one line."""
    return one_line(str(fault.explanation or fault))


def engine_fault() -> str | None:
    """Why the engine of the current settings does not answer, in words; None if it does. Takes at most two seconds.
    Never raises. Called by readiness and `doctor`."""
    try:
        connect(host(), 2.0).close()  # asks for its version
    except EngineAway as fault:
        return str(fault)
    return None


def _reason(fault: BaseException) -> str:
    """The cause at the root of requests' nested exceptions."""
    causes = list(_causes(fault))
    for cause in causes:
        if isinstance(cause, OSError) and cause.strerror:
            return cause.strerror
    return "timed out" if any(isinstance(cause, TimeoutError) for cause in causes) else one_line(str(fault))


def _causes(fault: BaseException) -> Iterator[BaseException]:
    waiting, seen = [fault], set[int]()
    while waiting:
        cause = waiting.pop(0)
        if id(cause) in seen:
            continue
        seen.add(id(cause))
        yield cause
        nested = [*cause.args, getattr(cause, "reason", None), cause.__cause__, cause.__context__]
        waiting += [each for each in nested if isinstance(each, BaseException)]
