"""An app whose functions are called in this process, and a server for the requests that they ask for."""

import pytest

from drivers import registry
from tests.clock import clock
from tests.functions import ScriptedDriver
from tests.sdk_functions import SdkApp
from tests.state.fixtures import driver, rings, worker

__all__ = ["clock", "driver", "rings", "worker"]


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch) -> SdkApp:
    """Every call of an SDK's function is answered by this app."""
    served = SdkApp()
    monkeypatch.setitem(registry._instances, "sdk", served)
    return served


@pytest.fixture
def gateway(monkeypatch: pytest.MonkeyPatch) -> ScriptedDriver:
    """Every request that a function asks the server for is answered by this."""
    scripted = ScriptedDriver()
    monkeypatch.setitem(registry._instances, "gateway", scripted)
    return scripted
