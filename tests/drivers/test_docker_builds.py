"""Builds by workers: what bounds them, and that they end with those who wait for them."""

import threading
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from drivers.contract import KIB, MIB, Abort, AbortReason, Call, Limits, Outcome
from drivers.docker import DockerDriver
from drivers.docker_images import image_name
from drivers.settings import DockerSettings, DriverSettings, configure, current
from tests.drivers.calls import error_of, run
from tests.drivers.subjects.docker import docker_call
from tests.waiting import wait_for

pytestmark = pytest.mark.docker

ENDLESS = "while :; do sleep 1; done"


@pytest.fixture
def use() -> Iterator[Callable[..., None]]:
    previous = current()
    yield lambda **settings: configure(DriverSettings(docker=DockerSettings(**settings)))
    configure(previous)


@pytest.fixture
def building(busybox_image: str) -> Callable[..., Call]:
    """A call whose image is built by this command."""

    def made(command: str, limits: Limits | None = None) -> Call:
        lines = f"FROM {busybox_image}\nRUN {command} # {uuid.uuid4()}\nCMD echo 1\n"
        return docker_call({"dockerfile": "Dockerfile"}, {"Dockerfile": lines}, limits=limits)

    return made


class Waiting:
    """Calls of one driver, each in a thread of its own."""

    def __init__(self) -> None:
        self.driver = DockerDriver()
        self.outcomes: list[Outcome] = []

    def start(self, call: Call) -> tuple[threading.Thread, Abort]:
        abort = Abort()
        thread = threading.Thread(target=lambda: self.outcomes.append(self.driver.run(call, abort)), daemon=True)
        thread.start()
        return thread, abort


def containers(engine: Any, call: Call) -> list[Any]:
    """Those in which this call's image is built."""
    assert call.bundle is not None
    mark = call.bundle.files["Dockerfile"].decode().split("# ")[1].split("\n")[0]
    return [row for row in engine.containers(all=True) if mark in row["Command"]]


def threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "docker-image"]


def is_built(engine: Any, call: Call) -> bool:
    assert call.bundle is not None
    return bool(engine.images(image_name(call.bundle, "Dockerfile")))


def test_a_build_that_takes_too_long_ends_on_the_engine_too(
    docker_engine: Any, building: Callable[..., Call], use: Callable[..., None]
) -> None:
    use(build_seconds=2.0)
    call = building(ENDLESS)
    outcome = run(DockerDriver(), call)
    assert (error_of(outcome)[0], outcome.retryable) == ("ImageTimeout", True)
    wait_for(lambda: not threads(), "the thread ends")
    wait_for(lambda: not containers(docker_engine, call), "the engine stops")


def test_a_build_that_nobody_waits_for_any_more_ends(docker_engine: Any, building: Callable[..., Call]) -> None:
    waiting, call = Waiting(), building(ENDLESS)
    calls = [waiting.start(call) for _ in range(2)]
    wait_for(lambda: len(containers(docker_engine, call)) == 1, "the build has begun")
    calls[0][1].set("cancel")
    calls[0][0].join(5)
    assert error_of(waiting.outcomes[0])[0] == "StepAborted"
    assert containers(docker_engine, call)
    calls[1][1].set("cancel")
    calls[1][0].join(5)
    wait_for(lambda: not threads(), "the thread ends")
    wait_for(lambda: not containers(docker_engine, call), "the engine stops")


@pytest.mark.parametrize("reason", ["cancel", "handover"])
def test_a_build_that_someone_wants_goes_on(
    docker_engine: Any, building: Callable[..., Call], reason: AbortReason
) -> None:
    waiting, call = Waiting(), building("sleep 2")
    first, abort = waiting.start(call)
    second = waiting.start(call)[0] if reason == "cancel" else None
    wait_for(lambda: bool(containers(docker_engine, call)), "the build has begun")
    abort.set(reason)
    first.join(5)
    assert error_of(waiting.outcomes[0])[0] == "StepAborted"
    wait_for(lambda: is_built(docker_engine, call), "it is built")
    if second is not None:
        second.join(20)
        assert waiting.outcomes[1].output == "1"


def test_whoever_comes_when_a_build_is_being_stopped_has_one_of_their_own(
    docker_engine: Any, building: Callable[..., Call]
) -> None:
    waiting, call = Waiting(), building("sleep 1")
    first, abort = waiting.start(call)
    wait_for(lambda: bool(containers(docker_engine, call)), "the build has begun")
    abort.set("cancel")
    assert waiting.driver.run(call, Abort()).output == "1"
    first.join(5)


def test_a_log_is_cut_however_much_a_build_says(building: Callable[..., Call]) -> None:
    flood = building("head -c 3000000 /dev/zero | tr '\\\\0' x; echo; echo the end; exit 1")
    outcome = run(DockerDriver(), flood)
    assert error_of(outcome)[0] == "ImageBuildFailed"
    assert "the end" in outcome.log
    assert len(outcome.log.encode()) <= 64 * KIB
    assert len(error_of(outcome)[1]) < 4 * KIB
    small = building("for i in $(seq 1 200); do echo line $i; done; exit 1", Limits(log_bytes=500))
    assert 400 < len(run(DockerDriver(), small).log.encode()) <= 500


def test_a_build_has_the_memory_and_the_network_of_the_settings(
    building: Callable[..., Call], use: Callable[..., None]
) -> None:
    use(build_memory_bytes=32 * MIB, build_network="none")
    name, message = error_of(run(DockerDriver(), building("x=x; while :; do x=$x$x; done")))
    assert name == "ImageBuildFailed"
    assert "code: 137" in message
    alone = building("test $(grep -c : /proc/net/dev) = 1")
    assert run(DockerDriver(), alone).output == "1"
