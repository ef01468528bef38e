import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from kombu import Connection

from apps.devserver.valkey import Valkey


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Valkey]:
    server = Valkey(tmp_path / "valkey")
    server.start()
    yield server
    server.stop()


def ring(server: Valkey) -> str:
    """Sends a message through Celery's transport and takes it again."""
    with Connection(server.url) as connection, connection.SimpleQueue("bells") as queue:
        queue.put("ding")
        message = queue.get(timeout=5)
        message.ack()
        return str(message.payload)


def test_celerys_transport_reaches_it_by_its_url(server: Valkey) -> None:
    assert ring(server) == "ding"


def test_a_killed_server_starts_again_on_the_same_socket(server: Valkey) -> None:
    url = server.url
    assert server.pid
    os.kill(server.pid, signal.SIGKILL)
    server.start()
    assert server.url == url
    assert ring(server) == "ding"


def test_a_server_that_still_runs_is_ended_and_replaced(server: Valkey) -> None:
    successor = Valkey(server.folder)
    successor.start()
    try:
        assert successor.pid != server.pid
        assert ring(successor) == "ding"
    finally:
        successor.stop()


def test_only_its_user_reaches_the_socket(server: Valkey) -> None:
    assert server.socket.parent.stat().st_mode & 0o777 == 0o700
