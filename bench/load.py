"""The load generator, a process of its own: `python -m bench.load`. It prints when it sent what, as JSON.

A plain readiness loop over keep-alive connections, one request at a time on each.
"""

import argparse
import json
import selectors
import socket
import time
from collections.abc import Iterator, Sequence
from itertools import islice, repeat

from bench.wire import post, whole


class Refused(Exception):
    """An answer other than 200."""


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--event", required=True)
    parser.add_argument("--count", type=int, required=True)
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--every", type=float, help="send one event at a time, so many seconds apart")
    parser.add_argument("--start", type=int, default=0, help="the first `n` of events that are sent one at a time")
    options = parser.parse_args()
    if options.every:
        print(json.dumps(_paced(options.port, options.event, options.start, options.count, options.every)))
        return
    full, rest = divmod(options.count, options.batch)
    bodies = [_body(options.event, options.batch)] * full + ([_body(options.event, rest)] if rest else [])
    requests = [post("/e/bench", body) for body in bodies]
    print(json.dumps(_saturated(options.port, requests, min(options.connections, len(requests)))))


def _body(event: str, batch: int) -> bytes:
    one = {"name": event, "data": {"n": 1, "id": "7", "email": "someone@example.com", "plan": "free"}}
    return json.dumps(one if batch == 1 else [one] * batch, separators=(",", ":")).encode()


def _saturated(port: int, requests: Sequence[bytes], connections: int) -> dict[str, float]:
    """All requests, as fast as the answers come."""
    selector = selectors.DefaultSelector()
    opened = [_connect(port) for _ in range(connections)]
    for connection in opened:
        selector.register(connection, selectors.EVENT_READ)
    begun: dict[socket.socket, bytes] = {}
    left = iter(requests)
    answered = 0
    began = time.monotonic()
    for connection, request in zip(opened, islice(left, connections), strict=True):
        connection.sendall(request)
    while answered < len(requests):
        for connection in _ready(selector):
            data = begun.pop(connection, b"") + connection.recv(65536)
            if not _is_answered(data):
                begun[connection] = data
                continue
            answered += 1
            if request := next(left, b""):
                connection.sendall(request)
    return {"began": began, "ended": time.monotonic()}


def _paced(port: int, event: str, start: int, count: int, every: float) -> dict[str, object]:
    """One request after another; `sent` is the time before each, in ns by CLOCK_MONOTONIC."""
    connection = _connect(port)
    sent: list[int] = []
    began = time.monotonic()
    for number, template in enumerate(repeat('{"name":"%s","data":{"n":%d}}', count)):
        time.sleep(max(0.0, began + number * every - time.monotonic()))
        request = post("/e/bench", (template % (event, start + number)).encode())
        sent.append(time.monotonic_ns())
        connection.sendall(request)
        data = connection.recv(65536)
        while not _is_answered(data):
            data += connection.recv(65536)
    return {"began": began, "ended": time.monotonic(), "sent": sent}


def _connect(port: int) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def _ready(selector: selectors.BaseSelector) -> Iterator[socket.socket]:
    for key, _ in selector.select():
        assert isinstance(key.fileobj, socket.socket)
        yield key.fileobj


def _is_answered(data: bytes) -> bool:
    """Raises Refused for any answer but a 200, and for more or less than one."""
    length = whole(data)
    if data and not length:
        return False
    if length != len(data) or not data.startswith(b"HTTP/1.1 200"):
        raise Refused(data[:300].decode(errors="replace") or "the server closed the connection")
    return True


if __name__ == "__main__":
    main()
