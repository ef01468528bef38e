"""What the tests of the kernel start from; the conftest of each folder names those that it needs."""

import pytest

from apps.doorbell import due_bells, ringing
from apps.executor.worker import WorkerProcess
from drivers import registry
from tests.functions import Rings, ScriptedDriver


@pytest.fixture
def driver(monkeypatch: pytest.MonkeyPatch) -> ScriptedDriver:
    """Every http step is answered by this driver."""
    scripted = ScriptedDriver()
    monkeypatch.setitem(registry._instances, "http", scripted)
    return scripted


@pytest.fixture(autouse=True)
def rings(monkeypatch: pytest.MonkeyPatch) -> Rings:
    """Nothing is published: the rings are kept."""
    heard = Rings()
    monkeypatch.setattr(ringing, "_doorbell", heard)
    return heard


@pytest.fixture(autouse=True)
def worker(monkeypatch: pytest.MonkeyPatch) -> WorkerProcess:
    """This process as a worker that has no row yet: what an earlier test had is gone with its tables."""
    process = WorkerProcess()
    for module in ("drain", "lifecycle", "worker"):
        monkeypatch.setattr(f"apps.executor.{module}.this_worker", process)
    monkeypatch.setattr(due_bells, "_rung", set())
    return process
