"""An engine that is away uses up no attempt, and what it still holds is found when it is back."""

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from drivers.contract import Abort, Outcome
from drivers.docker import DockerDriver
from drivers.docker_engine import DEFAULT_HOST, close_client, engine_fault
from drivers.docker_orphans import list_containers
from drivers.settings import DockerSettings, DriverSettings, configure, current
from tests.drivers.calls import error_of, run
from tests.drivers.subjects.docker import DockerSubject, docker_call
from tests.drivers.test_docker_found import containers, is_running, starts
from tests.waiting import wait_for

_ENGINE = DEFAULT_HOST.removeprefix("unix://")


class Between:
    """A socket that passes everything on to the engine, until it dies."""

    def __init__(self, path: Path) -> None:
        self.host = f"unix://{path}"
        self._path = path
        self._open: list[socket.socket] = []
        self.revive()

    def revive(self) -> None:
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(self._path))
        self._listener.listen(100)
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def die(self) -> None:
        self._path.unlink(missing_ok=True)
        for each in [self._listener, *self._open]:
            _shut(each, socket.SHUT_RDWR)
        self._listener.close()
        self._open.clear()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                near, _ = listener.accept()
            except OSError:
                return
            far = socket.socket(socket.AF_UNIX)
            far.connect(_ENGINE)
            self._open += [near, far]
            both = threading.Barrier(2, action=partial(_close, near, far))
            for source, target in ((near, far), (far, near)):
                threading.Thread(target=_pass_on, args=(source, target, both), daemon=True).start()


def _close(near: socket.socket, far: socket.socket) -> None:
    near.close()
    far.close()


def _pass_on(source: socket.socket, target: socket.socket, both: threading.Barrier) -> None:
    try:
        while data := source.recv(65536):
            target.sendall(data)
    except OSError:
        pass
    _shut(target, socket.SHUT_WR)
    both.wait()


def _shut(each: socket.socket, how: int) -> None:
    with contextlib.suppress(OSError):
        each.shutdown(how)


@pytest.fixture
def use_host() -> Iterator[Callable[[str], None]]:
    previous = current()
    yield lambda host: configure(DriverSettings(docker=DockerSettings(host=host)))
    close_client()
    configure(previous)


@pytest.fixture
def between(tmp_path: Path, docker_engine: Any, use_host: Callable[[str], None]) -> Iterator[Between]:
    made = Between(tmp_path / "engine.sock")
    use_host(made.host)
    yield made
    made.die()


def dead_host(tmp_path: Path) -> str:
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(tmp_path / "dead.sock"))
    listener.close()
    return f"unix://{tmp_path}/dead.sock"


def test_without_an_engine_no_attempt_is_used_up(tmp_path: Path, use_host: Callable[[str], None]) -> None:
    for host, why in (
        (f"unix://{tmp_path}/none.sock", "No such file or directory"),
        (dead_host(tmp_path), "Connection refused"),
        ("tcp://127.0.0.1:1", "Connection refused"),
        ("ssh://example.com", "has to begin with unix:// or tcp://"),
    ):
        use_host(host)
        outcome = run(DockerDriver(), docker_call({"image": "any"}))
        assert outcome.unavailable
        name, message = error_of(outcome)
        assert name == "DockerUnavailable"
        assert host in message
        assert why in message
        assert engine_fault() == message


def test_what_is_no_engine_is_told_within_two_seconds(tmp_path: Path, use_host: Callable[[str], None]) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "silent.sock"))
        listener.listen(1)
        use_host(f"unix://{tmp_path}/silent.sock")
        started = time.monotonic()
        assert "timed out" in (engine_fault() or "")
        assert time.monotonic() - started < 4.0


@pytest.mark.docker
def test_an_engine_that_answers_has_no_fault(docker_engine: Any) -> None:
    assert engine_fault() is None


@pytest.mark.docker
def test_an_engine_that_is_lost_in_the_middle_is_waited_for_and_its_container_found(
    docker_engine: Any, busybox_image: str, between: Between
) -> None:
    call, since = DockerSubject(DockerDriver(), busybox_image).running("sleep 2; echo 1"), time.time()
    driver, outcomes = DockerDriver(), list[Outcome]()
    thread = threading.Thread(target=lambda: outcomes.append(driver.run(call, Abort())))
    thread.start()
    wait_for(lambda: is_running(docker_engine, call), "the container runs")
    between.die()
    thread.join(10)
    assert outcomes[0].unavailable
    assert run(driver, call).unavailable
    between.revive()
    outcome = run(driver, call)
    assert outcome.output == "1"
    assert starts(docker_engine, call, since) == 1
    between.die()
    assert outcome.kept is not None
    outcome.kept()  # the chore will
    assert len(containers(docker_engine, call)) == 1
    between.revive()
    assert [each.run_id for each in list_containers() if each.run_id == call.run_id] == [call.run_id]


@pytest.mark.docker
def test_a_network_that_the_engine_does_not_have_is_no_fault_of_the_step(
    docker_engine: Any, busybox_image: str
) -> None:
    previous = current()
    configure(DriverSettings(docker=DockerSettings(network="nosuch")))
    try:
        outcome = run(DockerDriver(), DockerSubject(DockerDriver(), busybox_image).echoing())
    finally:
        configure(previous)
    assert outcome.unavailable
    assert "network nosuch not found" in error_of(outcome)[1]
