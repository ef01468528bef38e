"""TCP and TLS connections that are kept between calls, and that another thread can end at any moment.

Our own, and not a client library's: it is the hot path (http.client and urllib3 spend 450 µs of Python on a call,
this and http_exchange 90), and neither can end a call that is connecting, or that a server drips answers to.
"""

import contextlib
import select
import socket
import ssl
import threading
from dataclasses import dataclass
from functools import cached_property, partial

from drivers import private_addresses, settings
from drivers.cutoff import Cutoff

CONNECT_TIMEOUT = 10.0
"""Seconds to open a connection. A call's own timeout, if shorter, is its cutoff's to keep."""

_KEPT = 256


class PrivateAddress(Exception):
    """The host's addresses are private ones, which a step may not reach; the text says so to its author."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where connections lead. Ones to the same origin are interchangeable."""

    scheme: str
    host: str
    port: int


@dataclass(slots=True)
class Connection:
    origin: Origin
    socket: socket.socket
    networks: tuple[str, ...] | None = None
    """The private networks that it was allowed to lead to; None: any."""
    kept: bool = False
    """Whether it has served a call before: then the other side may have closed it meanwhile."""

    def end(self) -> None:
        """End whatever another thread is blocked in on it. It can only be closed then."""
        _end(self.socket)

    def stale(self) -> bool:
        """Whether the other side has closed it, or said something that nobody asked."""
        poll = select.poll()
        poll.register(self.socket, select.POLLIN)
        return bool(poll.poll(0))

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self.socket.close()


class Connections:
    """Idle connections of one process, most recently used last. For every thread.

    ``guarded`` ones lead to public addresses, and to private ones only as the settings allow.
    """

    def __init__(self, guarded: bool = False) -> None:
        self._guarded = guarded
        self._lock = threading.Lock()
        self._idle: list[Connection] = []

    def take(self, origin: Origin) -> Connection | None:
        """An idle connection that was open a moment ago, if there is one."""
        while connection := self._pop(origin):
            if not connection.stale():
                return connection
            connection.close()
        return None

    def give_back(self, connection: Connection) -> None:
        connection.kept = True
        with self._lock:
            self._idle.append(connection)
            oldest = self._idle.pop(0) if len(self._idle) > _KEPT else None
        if oldest is not None:
            oldest.close()

    def close(self) -> None:
        with self._lock:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def open(self, origin: Origin, cutoff: Cutoff) -> Connection:
        """A new connection. Raises OSError (so also ssl.SSLError and socket.gaierror), PrivateAddress."""
        networks = self._networks()
        opened = _connect(origin, cutoff, networks)
        try:
            if origin.scheme == "https":
                opened = secured = self._tls.wrap_socket(
                    opened, server_hostname=origin.host, do_handshake_on_connect=False
                )
                cutoff.stops(partial(_end, secured))  # the plain socket is empty from here on
                secured.do_handshake()
            # From here on it is the cutoff that watches the time: it also sees a server that drips.
            opened.settimeout(None)
        except BaseException:
            opened.close()
            raise
        return Connection(origin, opened, networks)

    def _networks(self) -> tuple[str, ...] | None:
        return settings.current().private_networks if self._guarded else None

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        return ssl.create_default_context()

    def _pop(self, origin: Origin) -> Connection | None:
        networks = self._networks()
        with self._lock:
            for at in range(len(self._idle) - 1, -1, -1):
                if self._idle[at].origin == origin and self._idle[at].networks == networks:
                    return self._idle.pop(at)
        return None


def _connect(origin: Origin, cutoff: Cutoff, networks: tuple[str, ...] | None) -> socket.socket:
    fault: OSError | None = None
    # What is checked is what is connected to: the name is not looked up again in between.
    found = socket.getaddrinfo(origin.host, origin.port, type=socket.SOCK_STREAM)
    private = None
    for family, kind, protocol, _, address in found:
        if networks is not None and (words := _barred(str(address[0]), networks)) is not None:
            private = private or words
            continue
        opened = socket.socket(family, kind, protocol)
        try:
            opened.settimeout(CONNECT_TIMEOUT)
            opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            cutoff.stops(partial(_end, opened))
            opened.connect(address)
        except OSError as error:
            opened.close()
            fault = error
            if cutoff.reason is not None:
                break
        else:
            return opened
    if fault is None and private is not None:
        raise PrivateAddress(
            f"{origin.host} is at a private address ({private}); of the private networks a step may reach only those"
            " that the setting PRIVATE_NETWORKS lists"
        )
    raise fault or OSError("the name has no address")


def _barred(address: str, networks: tuple[str, ...]) -> str | None:
    """Why steps may not reach the address, or None if they may."""
    words = private_addresses.kind_of(address)
    return None if words is None or private_addresses.is_within(address, networks) else words


def _end(ended: socket.socket) -> None:
    # Not ended.shutdown(): an SSLSocket's own drops its TLS state under the thread that is reading.
    with contextlib.suppress(OSError):
        socket.socket.shutdown(ended, socket.SHUT_RDWR)
