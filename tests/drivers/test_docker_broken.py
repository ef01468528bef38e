"""An engine that fails in the middle of things: nothing is lost, nothing is made up, and no attempt is used up."""

import dataclasses
import json
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from drivers import docker_attempt, docker_engine
from drivers.contract import Abort, Outcome
from drivers.docker import DockerDriver
from drivers.docker_engine import close_client, engine_fault
from drivers.settings import DockerSettings, DriverSettings, configure, current
from tests.drivers.calls import error_of, run
from tests.drivers.meddling import Meddler
from tests.drivers.subjects.docker import DockerSubject, docker_call
from tests.drivers.test_docker_found import containers, followed, is_running, starts
from tests.waiting import wait_for


@pytest.fixture
def subject(busybox_image: str) -> DockerSubject:
    return DockerSubject(DockerDriver(), busybox_image)


@pytest.fixture
def meddler(tmp_path: Path, docker_engine: Any) -> Iterator[Meddler]:
    previous, made = current(), Meddler(tmp_path / "engine.sock")
    configure(DriverSettings(docker=DockerSettings(host=made.host)))
    yield made
    close_client()
    configure(previous)
    made.close()


@pytest.fixture
def silent_host() -> Iterator[str]:
    """It takes connections and says nothing."""
    previous = current()
    with socket.create_server(("127.0.0.1", 0), backlog=50) as listener:
        host = f"tcp://127.0.0.1:{listener.getsockname()[1]}"
        configure(DriverSettings(docker=DockerSettings(host=host)))
        yield host
    configure(previous)


@pytest.mark.docker
def test_a_connection_that_is_ended_while_the_step_runs_costs_none_of_its_output(
    docker_engine: Any, subject: DockerSubject, meddler: Meddler
) -> None:
    call, since = subject.running("echo begun; sleep 1; echo 5"), time.time()
    with followed(DockerDriver(), call, Abort()) as outcomes:
        wait_for(lambda: is_running(docker_engine, call), "the container runs")
        meddler.cut(b"/attach")
    assert (outcomes[0].output, outcomes[0].log) == ("5", "begun")
    assert starts(docker_engine, call, since) == 1


@pytest.mark.docker
def test_a_step_whose_start_was_not_confirmed_is_found_by_the_next_look(
    docker_engine: Any, subject: DockerSubject, meddler: Meddler
) -> None:
    call, since = subject.running("sleep 1; echo 6"), time.time()
    meddler.drops = b"/start "
    outcome = run(DockerDriver(), call)
    assert outcome.unavailable
    assert error_of(outcome)[0] == "DockerUnavailable"
    meddler.drops = b""
    assert run(DockerDriver(), call).output == "6"
    assert starts(docker_engine, call, since) == 1


@pytest.mark.docker
def test_a_log_that_does_not_go_on_is_not_waited_for_for_ever(
    subject: DockerSubject, meddler: Meddler, monkeypatch: pytest.MonkeyPatch
) -> None:
    call, abort = subject.running("echo 7"), Abort()
    assert run(DockerDriver(), call).output == "7"
    meddler.stalls = b"/logs?"
    with followed(DockerDriver(), call, abort) as outcomes:
        wait_for(lambda: meddler.has(b"/logs?"), "the log is asked for")
        stopped = time.monotonic()
        abort.set()
    assert time.monotonic() - stopped < 2.0
    assert error_of(outcomes[0])[0] == "StepAborted"
    monkeypatch.setattr(docker_attempt, "_LOG_SECONDS", 0.3)
    assert run(DockerDriver(), call).unavailable
    meddler.stalls = b""
    assert run(DockerDriver(), call).output == "7"


@pytest.mark.docker
@pytest.mark.parametrize("fault", ["gone", "restarting"])
def test_a_container_that_ends_with_its_engine_is_run_again(
    docker_engine: Any, subject: DockerSubject, meddler: Meddler, fault: str
) -> None:
    """An engine that shuts down ends its containers first, and still tells of that where it was asked before."""
    call, since = subject.running("exec >&- 2>&-; sleep 1; exit 143"), time.time()
    meddler.delays = b"/wait " if fault == "restarting" else b""
    with followed(DockerDriver(), call, Abort()) as outcomes:
        wait_for(lambda: meddler.has(b"/wait "), "its end is waited for")
        if fault == "gone":
            meddler.stop_listening()
    assert outcomes[0].unavailable
    assert "going away" in error_of(outcomes[0])[1]
    meddler.delays = b""
    if fault == "gone":
        meddler.listen()
    # Of a step that ends so by itself, under an engine that is well, it is its own exit code.
    assert error_of(run(DockerDriver(), call))[1] == "the container exited with code 143"
    assert starts(docker_engine, call, since) == 2


@pytest.mark.docker
def test_three_that_claim_an_attempt_at_once_make_one_container(docker_engine: Any, subject: DockerSubject) -> None:
    call, since = subject.running("sleep 0.5; echo 1"), time.time()
    run(subject.driver, dataclasses.replace(call, attempt=9))  # its image is there
    with ThreadPoolExecutor(3) as pool:
        outcomes = list(pool.map(lambda _: run(subject.driver, call), range(3)))
    assert [outcome.output for outcome in outcomes] == ["1"] * 3
    assert starts(docker_engine, call, since) == 2  # attempts 9 and 0
    assert len(containers(docker_engine, call)) == 2


def test_all_wait_for_a_silent_engine_at_the_same_time(silent_host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(docker_engine, "_FIRST_SECONDS", 1.0)
    driver, aborted, started = DockerDriver(), Abort(), time.monotonic()
    aborts = [aborted, *(Abort() for _ in range(5))]
    with ThreadPoolExecutor(len(aborts)) as pool:
        running = [pool.submit(driver.run, docker_call({"image": "any"}), abort) for abort in aborts]
        aborted.set()
        outcomes = [each.result() for each in running]
    assert time.monotonic() - started < 3.0
    assert error_of(outcomes[0])[0] == "StepAborted"
    for outcome in outcomes[1:]:
        assert outcome.unavailable
        assert error_of(outcome)[1] == f"the Docker engine at {silent_host} does not answer: timed out"


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ("400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.", "cannot be one that speaks TLS"),
        ("403 Forbidden\r\n\r\nnot for you", "answers: not for you"),
        ('200 OK\r\n\r\n{"a":1}', "is no Docker engine"),
        ("200 OK\r\n\r\n[]", "is no Docker engine"),
        ("200 OK\r\n\r\n<html>", "does not answer"),
    ],
)
def test_what_is_no_engine_or_hides_it_is_told(answer: str, words: str) -> None:
    previous = current()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            for _ in range(2):
                connection, _ = listener.accept()
                with connection:
                    connection.recv(65536)
                    connection.sendall(f"HTTP/1.0 {answer}".encode())

        threading.Thread(target=serve, daemon=True).start()
        configure(DriverSettings(docker=DockerSettings(host=f"tcp://127.0.0.1:{listener.getsockname()[1]}")))
        try:
            assert words in (engine_fault() or "")
            outcome: Outcome = run(DockerDriver(), docker_call({"image": "any"}))
        finally:
            configure(previous)
    assert outcome.unavailable
    assert words in error_of(outcome)[1]


@pytest.mark.docker
def test_an_output_that_a_flood_has_pushed_out_of_the_log_is_a_failure_and_no_empty_success(
    docker_engine: Any, subject: DockerSubject
) -> None:
    limits = dataclasses.replace(docker_call({}).limits, output_bytes=1_000, log_bytes=1_000)

    def handed_over(megabytes: int) -> Outcome:
        script = f"echo '{{\"a\":1}}'; sleep 0.5; head -c {megabytes}000000 /dev/zero | tr '\\0' x >&2"
        call, abort = dataclasses.replace(subject.running(script), limits=limits), Abort()
        with followed(DockerDriver(), call, abort):
            wait_for(lambda: is_running(docker_engine, call), "the container runs")
            abort.set()
        wait_for(lambda: not is_running(docker_engine, call), "it has ended")
        watched = run(DockerDriver(), dataclasses.replace(call, attempt=1))
        assert watched.output == '{"a":1}'
        return run(DockerDriver(), call)

    assert json.loads(handed_over(1).output or "") == {"a": 1}
    lost = handed_over(4)
    name, message = error_of(lost)
    assert (name, lost.retryable) == ("OutputLost", True)
    assert message.startswith("the step wrote more than ")
    assert message.endswith("bytes to its standard error, so its output is lost")
