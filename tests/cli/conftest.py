"""A real server for all tests of the command, and a person's environment for each."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.servers import CloudServer, WholeServer
from tests.cli.terminal import environment


@pytest.fixture(scope="session")
def server() -> Iterator[WholeServer]:
    whole = WholeServer()
    try:
        whole.start()
        yield whole
    finally:
        whole.close()


@pytest.fixture(scope="session")
def cloud(server: WholeServer) -> Iterator[CloudServer]:
    """With the environments `shop`, `office` and `branch`."""
    running = CloudServer(server)
    for slug in ("shop", "office", "branch"):
        running.keys("create-environment", slug)
    try:
        yield running
    finally:
        running.close()


@pytest.fixture
def person(tmp_path: Path) -> dict[str, str]:
    """Environment variables of somebody who has not logged in."""
    return environment(tmp_path)


@pytest.fixture
def dev(server: WholeServer, tmp_path: Path) -> dict[str, str]:
    """Of somebody whose commands go to the dev server."""
    return environment(tmp_path, {"INNGEST_API_URL": server.url})
