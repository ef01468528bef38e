"""Hostile code hurts only itself."""

import dataclasses
import json
import os
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from drivers.contract import MIB, Call, Limits, Outcome
from drivers.docker import DockerDriver
from drivers.settings import DockerSettings, DriverSettings, configure, current
from tests.drivers.calls import error_of, run
from tests.drivers.subjects.docker import DockerSubject
from tests.drivers.test_docker_found import containers

pytestmark = pytest.mark.docker

_TMP = 4 * MIB


@pytest.fixture(scope="module")
def subject(busybox_image: str) -> DockerSubject:
    return DockerSubject(DockerDriver(), busybox_image)


@pytest.fixture(autouse=True)
def _small_tmp() -> Iterator[None]:
    yield from using(tmp_bytes=_TMP)


def using(**settings: Any) -> Iterator[None]:
    previous = current()
    configure(DriverSettings(docker=DockerSettings(**settings)))
    yield
    configure(previous)


def ran(subject: DockerSubject, call: Call) -> Outcome:
    outcome = run(subject.driver, call)
    if outcome.kept is not None:
        outcome.kept()
    return outcome


def body(outcome: Outcome) -> str:
    return str(json.loads(outcome.output or "")["body"])


def test_a_fork_bomb_is_ended_and_its_neighbour_goes_on(subject: DockerSubject) -> None:
    bomb = dataclasses.replace(subject.running("f() { f | f & }; f; sleep 60", pids=64), timeout=2.0)
    outcomes: list[Outcome] = []
    thread = threading.Thread(target=lambda: outcomes.append(ran(subject, bomb)))
    thread.start()
    neighbour = ran(subject, subject.echoing())
    thread.join(60)
    assert neighbour.ok
    assert error_of(outcomes[0])[0] in ("StepTimeout", "ExitCode")


def test_nothing_can_be_written_but_a_bounded_tmp(subject: DockerSubject) -> None:
    script = "for d in / /bin /etc /var; do touch $d/x; done 2>&1; head -c 9000000 /dev/zero > /tmp/x; wc -c < /tmp/x"
    outcome = ran(subject, subject.running(script))
    assert outcome.log.count("Read-only file system") + outcome.log.count("No such file") == 4
    assert outcome.output == str(_TMP)


def test_a_volume_of_the_image_is_no_way_to_the_disk(docker_engine: Any, subject: DockerSubject) -> None:
    call = subject.running("head -c 9000000 /dev/zero > /data/x; wc -c < /data/x; cat")
    assert call.bundle is not None
    call.bundle.files["Dockerfile"] += b'VOLUME ["/data"]\n'  # type: ignore[index]
    before = docker_engine.volumes()["Volumes"] or []
    assert str(_TMP) in ran(subject, call).log
    assert len(docker_engine.volumes()["Volumes"] or []) <= len(before)


def test_endless_output_ends_the_container(docker_engine: Any, subject: DockerSubject) -> None:
    call = dataclasses.replace(subject.flooding(), limits=Limits(output_bytes=MIB))
    outcome = run(subject.driver, call)
    assert error_of(outcome)[0] == "OutputTooLarge"
    assert not outcome.retryable
    assert [row["State"] for row in containers(docker_engine, call)] == ["exited"]
    # It is as plain to whoever comes next.
    assert error_of(run(DockerDriver(), call))[0] == "OutputTooLarge"


def test_an_endless_log_neither_ends_the_step_nor_fills_the_disk(docker_engine: Any, subject: DockerSubject) -> None:
    limits = Limits(output_bytes=MIB // 16, log_bytes=1024)
    call = subject.running("head -c 20000000 /dev/zero | tr '\\0' x >&2; echo 1")
    call = dataclasses.replace(call, limits=limits)
    outcome = run(subject.driver, call)
    assert outcome.output == "1"
    assert len(outcome.log) < 1200
    (row,) = containers(docker_engine, call)
    kept = docker_engine.logs(row["Id"])
    assert 1 < len(kept) < 2 * (8 * (limits.output_bytes + limits.log_bytes) + MIB) < 20_000_000
    # Whoever reads it again cannot know whether there was more on standard output than the end shows.
    assert error_of(run(DockerDriver(), call))[0] == "OutputLost"


def test_a_memory_bomb_is_named(subject: DockerSubject) -> None:
    outcome = ran(subject, subject.hoarding())
    assert error_of(outcome) == ("MemoryLimit", f"the step needs more than its {32 * MIB:,} bytes of memory")


def test_a_full_tmp_counts_as_memory(subject: DockerSubject) -> None:
    call = subject.running("head -c 20000000 /dev/zero > /tmp/x", memory=16 * MIB)
    for _ in using(tmp_bytes=32 * MIB):
        assert error_of(ran(subject, call))[0] == "MemoryLimit"


def test_neither_the_host_nor_its_engine_nor_other_processes_are_seen(subject: DockerSubject) -> None:
    script = (
        "ls /var/run/docker.sock /run/docker.sock /work /root; ls /proc | grep -c '^[0-9]'; ps; cat /proc/1/environ"
    )
    call = dataclasses.replace(subject.running(f"({script}) 2>&1"), env={"MINE": "1"})
    seen = body(ran(subject, call))
    assert seen.count("No such file") == 4
    assert str(os.getpid()) not in seen.split()
    assert "pytest" not in seen
    assert "PYTEST_CURRENT_TEST" not in seen


def test_there_are_no_capabilities_nor_a_way_to_new_privileges(subject: DockerSubject) -> None:
    status = body(ran(subject, subject.running("cat /proc/self/status")))
    fields = dict(line.split(":\t", 1) for line in status.splitlines())
    assert {fields[name] for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")} == {"0" * 16}
    assert (fields["NoNewPrivs"], fields["Seccomp"]) == ("1", "2")


def test_mounting_and_devices_are_refused(subject: DockerSubject) -> None:
    script = "mount -t tmpfs x /tmp && echo mounted; mknod /tmp/d b 1 1 && echo made; chroot / true && echo rooted"
    assert body(ran(subject, subject.running(f"({script}) 2>&1"))).lower().count("permi") == 3


@pytest.mark.parametrize(("network", "reaches"), [("none", False), ("bridge", True)])
def test_the_network_is_a_setting(subject: DockerSubject, network: str, reaches: bool) -> None:
    for _ in using(network=network):
        names = body(ran(subject, subject.running("cat /proc/net/dev | tail -n +3 | cut -d: -f1")))
    assert ("eth0" in names) is reaches
