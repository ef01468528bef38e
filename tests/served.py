"""The web server as it runs in production, granian with our application, on the tests' own database."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress

import pytest
from django.db import connection
from psycopg.conninfo import make_conninfo

COMMAND = (
    *(sys.executable, "-m", "granian", "--interface", "asgi", "--workers", "1", "--http", "1", "--no-ws"),
    *("--log-level", "warning", "--host", "127.0.0.1", "--port"),
)


class Served:
    """The server in a process of its own."""

    def __init__(self, **settings: str) -> None:
        with closing(socket.socket()) as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        database = make_conninfo(os.environ["DATABASE_URL"], dbname=connection.settings_dict["NAME"])
        self.process = subprocess.Popen(
            [*COMMAND, str(self.port), "inngest_server.asgi:application"],
            env=os.environ | {"DATABASE_URL": database, "INNGEST_DEV": "1"} | settings,
            start_new_session=True,
        )

    def client(self) -> "closing[http.client.HTTPConnection]":
        return closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=20))

    def wait_until_up(self) -> None:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            try:
                with self.client() as client:
                    client.request("GET", "/health")
                    assert client.getresponse().status == 200
                    return
            except ConnectionError:
                time.sleep(0.1)
        pytest.fail("granian did not come up")

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)


@contextmanager
def serving(**settings: str) -> Iterator[Served]:
    """A server that is up; `settings` are environment variables that differ from the tests'."""
    server = Served(**settings)
    try:
        server.wait_until_up()
        yield server
    finally:
        server.stop()
        # Its worker outlives a granian that was killed: the group takes it along.
        with suppress(ProcessLookupError):
            os.killpg(server.process.pid, signal.SIGKILL)
