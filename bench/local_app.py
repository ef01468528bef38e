"""The trivial local app that is called: `python -m bench.local_app PORT`.

A plain readiness loop over blocking sockets: about 20 µs a call, so that little of the machine goes to it.

    POST /step      counts the call
    POST /latency   counts it and notes when it came, by the `"n":` in its event
    POST /sdk?...   counts it and answers as the SDK function that is called (bench.sdk_app)
    GET /calls      how many calls there were
    GET /wait/N     answered when there have been N calls: nobody has to ask again and again
    GET /arrivals   CLOCK_MONOTONIC in ns by n
    GET /sdk/times  when the SDK functions were called and answered, by run
"""

import json
import re
import selectors
import socket
import sys
import time

from bench.sdk_app import SdkApp
from bench.wire import answer, whole

_DONE = answer(b'{"ok":true}')
_NUMBER = re.compile(rb'"n":(\d+)').search


class LocalApp:
    """One process, one thread."""

    def __init__(self, port: int) -> None:
        self._selector = selectors.DefaultSelector()
        self._listener = socket.create_server(("127.0.0.1", port), backlog=1024)
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._begun: dict[socket.socket, bytes] = {}
        self._calls = 0
        self._arrivals: dict[int, int] = {}
        self._sdk = SdkApp()
        self._waiting: list[tuple[int, socket.socket]] = []

    def serve_forever(self) -> None:
        while True:
            for key, _ in self._selector.select():
                if key.fileobj is self._listener:
                    self._accept()
                elif isinstance(key.fileobj, socket.socket):
                    self._receive(key.fileobj)

    def _accept(self) -> None:
        connection, _ = self._listener.accept()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._selector.register(connection, selectors.EVENT_READ)

    def _receive(self, connection: socket.socket) -> None:
        now = time.monotonic_ns()
        try:
            data = connection.recv(65536)
        except ConnectionError:
            data = b""
        if not data:
            self._selector.unregister(connection)
            self._begun.pop(connection, None)
            connection.close()
            return
        if self._begun:
            data = self._begun.pop(connection, b"") + data
        if not whole(data):
            self._begun[connection] = data
        elif data.startswith(b"GET"):
            self._tell(connection, data.split(b" ", 2)[1])
        else:
            self._step(connection, data, now)

    def _step(self, connection: socket.socket, data: bytes, now: int) -> None:
        connection.sendall(self._sdk.answer(data, now) if data.startswith(b"POST /sdk") else _DONE)
        self._calls += 1
        if data.startswith(b"POST /latency") and (found := _NUMBER(data)):
            self._arrivals.setdefault(int(found[1]), now)
        for goal, waiter in self._waiting:
            if self._calls == goal:
                waiter.sendall(answer(b"%d" % self._calls))

    def _tell(self, connection: socket.socket, path: bytes) -> None:
        if path == b"/arrivals":
            connection.sendall(answer(json.dumps(self._arrivals).encode()))
            self._arrivals.clear()
            return
        if path == b"/sdk/times":
            connection.sendall(answer(self._sdk.tell()))
            return
        goal = int(path.removeprefix(b"/wait/")) if path.startswith(b"/wait/") else 0
        if self._calls >= goal:
            connection.sendall(answer(b"%d" % self._calls))
        else:
            self._waiting = [(goal, connection)]


if __name__ == "__main__":
    LocalApp(int(sys.argv[1])).serve_forever()
