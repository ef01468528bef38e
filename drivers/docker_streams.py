"""Requests to the engine whose connection we own: an attached container's input and output, its log, its end.

The SDK hands such connections out half read, blocking, and closable only through what it hides. Here one is a socket
that any thread may cut, so that a deadline or an abort ends whatever the call waits for.
"""

import contextlib
import select
import socket
from functools import partial
from urllib.parse import urlsplit

import docker

from drivers.cutoff import Cutoff
from drivers.docker_engine import EngineAway, answering, host

_CHUNK = 64 * 1024
_CONNECT_SECONDS = 30.0
_MOST_HEAD = 64 * 1024
_TAKE_SECONDS = 30.0


class Gone(Exception):
    """There is no such container."""


class Stream:
    """An open connection. A context manager: it closes the socket.

    ``patience`` is how many seconds a read may wait, None for ever: a step may be silent for hours."""

    def __init__(self, connection: socket.socket, early: bytes, patience: float | None = None) -> None:
        self.patience = patience
        self._socket = connection
        self._early = early
        self._unsent = memoryview(b"")

    def __enter__(self) -> "Stream":
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def sever(self) -> None:
        """End what reads from it, from another thread."""
        _sever(self._socket)

    def give(self, data: bytes, *, wait: bool) -> None:
        """Send all of it, then the end of input. Without `wait`, what does not fit now is sent while reading."""
        self._unsent = memoryview(data)
        self._socket.setblocking(False)
        with answering():
            self._send()
            while wait and self._unsent.nbytes:
                poll = select.poll()
                poll.register(self._socket, select.POLLOUT)
                if not poll.poll(_TAKE_SECONDS * 1000):
                    raise EngineAway("the Docker engine does not take the step's input")
                self._send()

    def read(self) -> bytes:
        """Some bytes; none at the end, or once severed. Raises EngineAway."""
        if self._early:
            early, self._early = self._early, b""
            return early
        while True:
            poll = select.poll()
            poll.register(self._socket, select.POLLIN | (select.POLLOUT if self._unsent.nbytes else 0))
            ready = poll.poll(None if self.patience is None else self.patience * 1000)
            if not ready:
                raise EngineAway("the Docker engine does not go on with its answer")
            for _, events in ready:
                if events & select.POLLOUT:
                    self._send()
                if events & ~select.POLLOUT:
                    with contextlib.suppress(BlockingIOError), answering():
                        return self._socket.recv(_CHUNK)

    def _send(self) -> None:
        try:
            while self._unsent.nbytes:
                self._unsent = self._unsent[self._socket.send(self._unsent) :]
            self._socket.shutdown(socket.SHUT_WR)
        except BlockingIOError:
            pass
        except OSError:  # the step has ended, or closed its input: it need not read
            self._unsent = memoryview(b"")


def attach(client: docker.APIClient, container: str) -> Stream:
    """Its three streams, from now on. Raises Gone, EngineAway."""
    return _open(client, "POST", f"/containers/{container}/attach?stream=1&stdin=1&stdout=1&stderr=1", upgrade=True)


def follow(client: docker.APIClient, container: str) -> Stream:
    """What it has written since its start, and writes until it ends. Raises Gone, EngineAway."""
    return _open(client, "GET", f"/containers/{container}/logs?stdout=1&stderr=1&follow=1")


def log(
    client: docker.APIClient, container: str, cutoff: Cutoff, *, patience: float, last: int | None = None
) -> Stream:
    """What it has written since its start, or the `last` lines and pieces of it. Raises Gone, EngineAway."""
    target = f"/containers/{container}/logs?stdout=1&stderr=1&tail={'all' if last is None else last}"
    stream = _open(client, "GET", target, cutoff)
    stream.patience = patience
    return stream


def end(client: docker.APIClient, container: str, cutoff: Cutoff) -> Stream:
    """Something to read once it has ended. Raises Gone, EngineAway."""
    return _open(client, "POST", f"/containers/{container}/wait", cutoff)


def _open(
    client: docker.APIClient, method: str, target: str, cutoff: Cutoff | None = None, *, upgrade: bool = False
) -> Stream:
    # HTTP/1.0 when nothing is upgraded: the answer then comes as it is, without chunks, until the connection closes.
    lines = [f"{method} /v{client.api_version}{target} HTTP/{'1.1' if upgrade else '1.0'}", "Host: docker"]
    lines += ["Connection: Upgrade", "Upgrade: tcp"] if upgrade else []
    lines += ["Content-Length: 0"] if method == "POST" else []
    with answering():
        connection = _connection()
        try:
            if cutoff is not None:
                cutoff.stops(partial(_sever, connection))
            connection.sendall("\r\n".join([*lines, "", ""]).encode())
            head, early = _head(connection)
            status = int(head.split(b" ", 2)[1])
            if status == 404:
                raise Gone
            if status not in (101, 200):
                raise EngineAway(f"the Docker engine answers {method} {target} with status {status}")
            # Reading is by poll: an answer may take hours.
            connection.setblocking(False)
        except BaseException:
            connection.close()
            raise
    return Stream(connection, early)


def _sever(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


def _connection() -> socket.socket:
    address = urlsplit(host())
    if address.scheme == "unix":
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.settimeout(_CONNECT_SECONDS)
            connection.connect(address.path)
        except BaseException:
            connection.close()
            raise
        return connection
    return socket.create_connection((address.hostname or "localhost", address.port or 2375), _CONNECT_SECONDS)


def _head(connection: socket.socket) -> tuple[bytes, bytes]:
    received = b""
    while b"\r\n\r\n" not in received:
        piece = connection.recv(_CHUNK)
        received += piece
        if not piece or len(received) > _MOST_HEAD:
            raise EngineAway("the Docker engine ended a connection in the middle of its answer")
    head, _, early = received.partition(b"\r\n\r\n")
    return head, early
