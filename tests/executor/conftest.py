import pytest

from drivers import registry
from tests.functions import ScriptedDriver


@pytest.fixture
def driver(monkeypatch: pytest.MonkeyPatch) -> ScriptedDriver:
    """Every http step is answered by this driver."""
    scripted = ScriptedDriver()
    monkeypatch.setitem(registry._instances, "http", scripted)
    return scripted
