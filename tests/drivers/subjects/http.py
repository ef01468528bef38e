"""Steps of the http driver: a server on loopback that answers as it is asked to."""

import contextlib
import json

from drivers.contract import Call, Driver
from drivers.http import HttpDriver
from tests.drivers.calls import http_call
from tests.drivers.server import Answer, Request, Server, reply


class HttpSubject:
    runtime = "http"
    # What the other side runs on, logs and may use is its own business.
    lacks = frozenset({"logging", "exiting", "telling_variable", "hoarding"})

    def __init__(self, driver: HttpDriver) -> None:
        self.driver: Driver = driver
        self._servers: list[Server] = []

    def close(self) -> None:
        for server in self._servers:
            server.close()

    def returning(self, text: str) -> Call:
        return self.writing(text.encode())

    def writing(self, data: bytes) -> Call:
        return self._call(lambda _: reply(data))

    def echoing(self) -> Call:
        return self._call(lambda request: reply(request.body))

    def failing(self, message: str) -> Call:
        return self._call(lambda _: reply(json.dumps(message).encode(), "500 Oops"))

    def hanging(self) -> Call:
        def answer(request: Request) -> None:
            request.connection.recv(1)  # until the driver hangs up, so that nothing of it is left here

        return self._call(answer)

    def logging(self, lines: list[str], output: str) -> Call:
        raise NotImplementedError

    def exiting(self, code: int, output: str) -> Call:
        raise NotImplementedError

    def telling_variable(self, name: str) -> Call:
        raise NotImplementedError

    def flooding(self) -> Call:
        def answer(request: Request) -> None:
            with contextlib.suppress(OSError):  # that the driver hangs up is what it ends with
                request.connection.sendall(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n")
                while not server.ending.is_set():
                    request.connection.sendall(b"x" * 65_536)

        server = self._serve(answer)
        return http_call(server.url)

    def hoarding(self) -> Call:
        raise NotImplementedError

    def _call(self, answer: Answer) -> Call:
        return http_call(self._serve(answer).url)

    def _serve(self, answer: Answer) -> Server:
        self._servers.append(Server(answer))
        return self._servers[-1]
