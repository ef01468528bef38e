from collections.abc import Iterator
from pathlib import Path

import pytest

from drivers.gateway import GatewayDriver
from drivers.http import HttpDriver
from drivers.sdk import SdkDriver
from drivers.typescript import TypeScriptDriver
from tests.drivers.server import Answer, Serve, Server


@pytest.fixture
def serve() -> Iterator[Serve]:
    servers: list[Server] = []

    def start(answer: Answer, tls: Path | None = None) -> Server:
        servers.append(Server(answer, tls))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


@pytest.fixture(scope="session")
def typescript() -> Iterator[TypeScriptDriver]:
    driver = TypeScriptDriver()
    yield driver
    driver.close()


@pytest.fixture
def http() -> Iterator[HttpDriver]:
    driver = HttpDriver()
    yield driver
    driver.close()


@pytest.fixture
def sdk() -> Iterator[SdkDriver]:
    driver = SdkDriver()
    yield driver
    driver.close()


@pytest.fixture
def gateway() -> Iterator[GatewayDriver]:
    driver = GatewayDriver()
    yield driver
    driver.close()
