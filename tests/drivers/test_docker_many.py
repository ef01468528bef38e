"""Many at once, and nothing left behind."""

import dataclasses
import gc
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from drivers.contract import Outcome
from drivers.docker import DockerDriver
from tests.drivers.calls import run
from tests.drivers.subjects.docker import DockerSubject
from tests.drivers.test_docker_found import containers
from tests.waiting import wait_for

pytestmark = pytest.mark.docker

_AT_ONCE = 200
_MANY = 12


@pytest.fixture(scope="module")
def subject(busybox_image: str) -> DockerSubject:
    return DockerSubject(DockerDriver(), busybox_image)


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_two_hundred_follow_containers_at_once(docker_engine: Any, subject: DockerSubject) -> None:
    """To start as many would take a small machine's engine minutes: here they find what eight workers left."""
    call = subject.running("sleep 4; echo 1")

    def work(number: int) -> Outcome:
        return run(subject.driver, dataclasses.replace(call, attempt=number % 8))

    def begun() -> int:
        return sum(row["State"] != "created" for row in containers(docker_engine, call))

    run(subject.driver, subject.returning("1"))  # what a process keeps is there now
    threads, files = threading.active_count(), open_files()
    with ThreadPoolExecutor(_AT_ONCE + 8) as pool:
        first = [pool.submit(work, number) for number in range(8)]
        wait_for(lambda: begun() == 8, "the containers have been started", 60)
        outcomes = [*pool.map(work, range(_AT_ONCE)), *(each.result() for each in first)]
    assert {(outcome.output, str(outcome.error)) for outcome in outcomes} == {("1", "None")}
    assert len(containers(docker_engine, call)) == 8
    subject.driver.close()
    wait_for(lambda: threading.active_count() <= threads, "the threads have ended")
    assert open_files() <= files


def test_many_runs_leave_no_socket_thread_or_container(docker_engine: Any, subject: DockerSubject) -> None:
    good, bad = subject.running("cat"), subject.running("exec 2>&-; exit 1")
    hanging = dataclasses.replace(subject.hanging(), timeout=0.2)

    def work(number: int) -> Outcome:
        call = (good, good, bad, hanging)[number % 4]
        outcome = run(subject.driver, dataclasses.replace(call, attempt=number))
        assert outcome.kept is not None
        outcome.kept()
        return outcome

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
        gc.collect()
        files, threads = open_files(), threading.active_count()
        names = [outcome.error.name if outcome.error else "" for outcome in pool.map(work, range(100, 100 + _MANY))]
        assert names == ["", "", "ExitCode", "StepTimeout"] * (_MANY // 4)
        assert open_files() <= files + 4
        assert threading.active_count() <= threads
    for call in (good, bad, hanging):
        assert containers(docker_engine, call) == []


def test_a_forked_process_has_a_connection_of_its_own(subject: DockerSubject) -> None:
    call = subject.running("echo 1")
    assert run(subject.driver, call).ok
    child = os.fork()
    if child == 0:
        ok = run(subject.driver, dataclasses.replace(call, attempt=1)).ok
        os._exit(0 if ok else 1)
    deadline = time.monotonic() + 30
    while (waited := os.waitpid(child, os.WNOHANG)) == (0, 0) and time.monotonic() < deadline:
        assert run(subject.driver, call).output == "1"
    assert waited == (child, 0)
