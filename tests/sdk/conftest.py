"""Servers and apps that run for all tests of this package."""

import sys
from collections.abc import Generator, Iterator, Mapping

import pytest

from tests.sdk.harness import App, SdkServer
from tests.sdk.scenarios import EVENTS, RACES

_servers = pytest.StashKey[dict[str, SdkServer]]()


def python_app(
    server: SdkServer, framework: str, app_id: str | None = None, settings: Mapping[str, str] | None = None
) -> App:
    """An app in Python, not started yet; `framework` is fastapi, flask or django."""
    command = [sys.executable, "-m", "tests.sdk.python_app.serve", framework]
    return App(server, app_id or framework, command, settings)


def _running(request: pytest.FixtureRequest, server: SdkServer) -> Iterator[SdkServer]:
    try:
        server.start()
        request.config.stash.setdefault(_servers, {})[server.mode] = server
        yield server
    finally:
        request.config.stash.setdefault(_servers, {}).pop(server.mode, None)
        server.close()


@pytest.fixture(scope="package")
def dev(request: pytest.FixtureRequest) -> Iterator[SdkServer]:
    """In dev mode."""
    yield from _running(request, SdkServer("dev", workers=4))


@pytest.fixture(scope="package")
def production(request: pytest.FixtureRequest) -> Iterator[SdkServer]:
    """In production mode, with an environment and its keys."""
    yield from _running(request, SdkServer("production"))


def _synced(app: App) -> Iterator[App]:
    try:
        app.start().sync()
        yield app
    finally:
        app.stop()


@pytest.fixture(scope="package")
def fastapi(dev: SdkServer) -> Iterator[App]:
    yield from _synced(python_app(dev, "fastapi"))


@pytest.fixture(scope="package")
def flask(dev: SdkServer) -> Iterator[App]:
    yield from _synced(python_app(dev, "flask"))


@pytest.fixture(scope="package")
def django_app(dev: SdkServer) -> Iterator[App]:
    yield from _synced(python_app(dev, "django"))


@pytest.fixture(scope="package")
def started(dev: SdkServer, fastapi: App, flask: App) -> dict[str, str]:
    """The ids of the events of `scenarios.py`, which have been sent, by the names that they have there."""
    named = {**EVENTS, **{f"{name} race": data for name, data in RACES.items()}}
    ids = dev.send([{"name": f"test/{name.split()[0]}", "data": data} for name, data in named.items()])
    return dict(zip(named, ids, strict=True))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A failed test shows what the processes said."""
    report = yield
    if report.when == "call" and report.failed:
        for server in item.config.stash.get(_servers, {}).values():
            report.sections.append((f"what the processes said ({server.mode})", server.logs()))
    return report
