"""The server that these tests kill parts of; each test gets it whole and empty."""

from collections.abc import Generator, Iterator

import pytest

from tests.acceptance.server import Server
from tests.state.fixtures import driver, worker

__all__ = ["driver", "worker"]

_server = pytest.StashKey[Server]()


@pytest.fixture(scope="package")
def standing_server() -> Iterator[Server]:
    server = Server()
    try:
        server.start()
        yield server
    finally:
        server.close()


@pytest.fixture
def server(standing_server: Server, request: pytest.FixtureRequest) -> Iterator[Server]:
    standing_server.reset()
    request.node.stash[_server] = standing_server
    yield standing_server
    standing_server.own.kill()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A failed test shows what the processes said."""
    report = yield
    server = item.stash.get(_server, None)
    if server is not None and report.when == "call" and report.failed:
        report.sections.append(("what the processes said", server.logs()))
    return report
