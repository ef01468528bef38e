"""A pytest plugin for the tests of the TypeScript SDK: apps that run for all of them."""

from collections.abc import Iterator

import pytest

from tests.sdk.harness import App, SdkServer
from tests.sdk.node_app import node_app, sync_path


@pytest.fixture(scope="package")
def node(dev: SdkServer) -> Iterator[App]:
    """On the newest SDK: the apps `node`, `node-other`, and `node-streaming`, which streams its answers."""
    app = node_app(dev, "node")
    try:
        app.start().sync()
        sync_path(app, "other")
        sync_path(app, "streaming")
        yield app
    finally:
        app.stop()


@pytest.fixture(scope="package")
def node_version_3(dev: SdkServer) -> Iterator[App]:
    """The app `node-v3`, on version 3 of the SDK."""
    app = node_app(dev, "node-v3", SDK="3")
    try:
        app.start().sync()
        yield app
    finally:
        app.stop()
