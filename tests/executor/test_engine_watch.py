"""A worker that runs containers says what is wrong with its engine."""

import socket
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from apps.executor.engine_watch import EngineWatch
from apps.executor.worker import WorkerProcess
from drivers import settings as of_drivers
from tests.drivers.old_images import load_old_image

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def one_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """The watch closes its own thread's connection; here it is the test's."""
    monkeypatch.setattr("django.db.connection.close", lambda: None)


@pytest.fixture
def engine_at() -> Iterator[Callable[[str], None]]:
    """Sets where the engine is."""
    before = of_drivers.current()
    yield lambda host: of_drivers.configure(replace(before, docker=replace(before.docker, host=host)))
    of_drivers.configure(before)


def test_an_engine_that_is_not_there_is_a_fault(
    worker: WorkerProcess, engine_at: Callable[[str], None], tmp_path: Path
) -> None:
    engine_at(f"unix://{tmp_path}/none.sock")
    EngineWatch(worker).look()
    assert worker.faults == f"docker: there is no Docker engine at unix://{tmp_path}/none.sock"


def test_an_engine_that_never_answers_is_a_fault_that_is_soon_known(
    worker: WorkerProcess, engine_at: Callable[[str], None]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"tcp://127.0.0.1:{silent.getsockname()[1]}"
        engine_at(address)
        EngineWatch(worker).look()
    assert worker.faults.startswith("docker: ")
    assert address in worker.faults


@pytest.mark.docker
def test_an_engine_that_is_back_is_none(worker: WorkerProcess, docker_engine: Any) -> None:
    worker.faults = "docker: it was away"
    EngineWatch(worker).look()
    assert worker.faults == ""


@pytest.mark.docker
def test_images_that_steps_use_no_more_are_removed(worker: WorkerProcess, docker_engine: Any) -> None:
    name = load_old_image(docker_engine)
    EngineWatch(worker).look()
    assert not docker_engine.images(name)
