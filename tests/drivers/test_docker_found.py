"""An attempt has one container, whoever follows it, and however many workers die meanwhile."""

import dataclasses
import json
import pickle
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from drivers.contract import KIB, Abort, Call, Outcome
from drivers.docker import DockerDriver
from drivers.docker_containers import allowance, configuration, name_of
from drivers.docker_image_store import ImageStore
from drivers.docker_orphans import Found, list_containers, remove_container
from drivers.docker_results import ran_for
from drivers.settings import DockerSettings
from tests.drivers.calls import error_of, run
from tests.drivers.subjects.docker import DockerSubject
from tests.waiting import wait_for

pytestmark = pytest.mark.docker

_WORKER = """
import pickle, sys
from drivers.contract import Abort
from drivers.docker import DockerDriver
DockerDriver().run(pickle.load(sys.stdin.buffer), Abort())
"""
_SOON = "sleep 1.5; echo said >&2; echo '{\"done\":true}'"


@pytest.fixture(scope="module")
def subject(busybox_image: str) -> DockerSubject:
    return DockerSubject(DockerDriver(), busybox_image)


def containers(engine: Any, call: Call) -> list[Any]:
    found: list[Any] = engine.containers(all=True, filters={"label": f"inngest.run={call.run_id}"})
    return found


def is_running(engine: Any, call: Call) -> bool:
    return "running" in [row["State"] for row in containers(engine, call)]


def starts(engine: Any, call: Call, since: float) -> int:
    filters = {"label": f"inngest.run={call.run_id}", "event": "start", "type": "container"}
    return len(list(engine.events(since=int(since), until=int(time.time()) + 1, filters=filters, decode=True)))


@contextmanager
def worker(engine: Any, call: Call) -> Iterator["subprocess.Popen[bytes]"]:
    """A process that runs the call, once its container runs."""
    process = subprocess.Popen([sys.executable, "-c", _WORKER], stdin=subprocess.PIPE)
    try:
        assert process.stdin is not None
        process.stdin.write(pickle.dumps(call))
        process.stdin.close()
        wait_for(lambda: is_running(engine, call), "the worker's container runs")
        yield process
    finally:
        process.kill()
        process.wait()


@contextmanager
def followed(driver: DockerDriver, call: Call, abort: Abort) -> Iterator[list[Outcome]]:
    """Another thread of this process runs it; it has ended at the end."""
    outcomes: list[Outcome] = []
    thread = threading.Thread(target=lambda: outcomes.append(driver.run(call, abort)))
    thread.start()
    yield outcomes
    thread.join(20)
    assert not thread.is_alive()


def test_a_container_is_waited_for_after_its_worker_was_killed(docker_engine: Any, subject: DockerSubject) -> None:
    call, since = subject.running(f"cat >&2; {_SOON}"), time.time()
    with worker(docker_engine, call) as process:
        process.kill()
        process.wait()
        outcome = run(DockerDriver(), call)
    assert json.loads(outcome.output or "") == {"done": True}
    assert outcome.log == call.payload.decode() + "said"  # its input had been delivered
    assert len(containers(docker_engine, call)) == 1
    assert starts(docker_engine, call, since) == 1
    assert outcome.kept is not None
    outcome.kept()
    outcome.kept()
    assert containers(docker_engine, call) == []


def test_a_result_is_read_by_whoever_comes_until_it_is_recorded(docker_engine: Any, subject: DockerSubject) -> None:
    call, since = subject.running("echo why >&2; echo log; echo '{\"status\":404}'; exit 3"), time.time()
    outcomes = [run(DockerDriver(), call) for _ in range(3)]
    for outcome in outcomes:
        assert error_of(outcome)[0] == "ExitCode"
        assert (outcome.output, sorted(outcome.log.split())) == ('{"status":404}', ["log", "why"])
    assert starts(docker_engine, call, since) == 1


def test_text_of_many_bytes_is_the_same_when_read_again(subject: DockerSubject) -> None:
    text = json.dumps("é€𝄞" * 20_000, ensure_ascii=False)
    call = subject.returning(text)
    assert [run(DockerDriver(), call).output for _ in range(2)] == [text, text]


def test_one_that_was_never_started_is_made_anew(docker_engine: Any, subject: DockerSubject) -> None:
    call, settings = subject.running("cat"), DockerSettings()
    image = ImageStore().ensure(docker_engine, call, settings, Abort())
    body = configuration(call, image, allowance({}, settings), settings, init=True)
    docker_engine.create_container_from_config(body, name_of(call))
    assert run(DockerDriver(), call).output == call.payload.decode()
    assert len(containers(docker_engine, call)) == 1


def test_two_that_claim_an_attempt_at_once_follow_one_container(docker_engine: Any, subject: DockerSubject) -> None:
    call, since = subject.running("sleep 0.7; echo 1"), time.time()
    run(subject.driver, dataclasses.replace(call, attempt=9))  # its image is there
    with followed(DockerDriver(), call, Abort()) as outcomes:
        wait_for(lambda: is_running(docker_engine, call), "the container runs")
        assert run(DockerDriver(), call).output == "1"
    assert outcomes[0].output == "1"
    assert starts(docker_engine, call, since) == 2  # attempts 9 and 0


def test_another_attempt_or_step_has_a_container_of_its_own(docker_engine: Any, subject: DockerSubject) -> None:
    call = subject.running("echo 1")
    for other in (call, dataclasses.replace(call, attempt=1), dataclasses.replace(call, step_id="ü/ \U0001f600")):
        assert run(subject.driver, other).ok
    assert len(containers(docker_engine, call)) == 3


def test_a_successor_keeps_the_deadline_that_counts_from_the_start(docker_engine: Any, subject: DockerSubject) -> None:
    call = dataclasses.replace(subject.running("echo begun >&2; sleep 60"), timeout=2.5)
    with worker(docker_engine, call) as process:
        process.kill()
        killed = time.monotonic()
        wait_for(lambda: time.monotonic() > killed + 1.5, "more than half of its time has passed")
        outcome = run(DockerDriver(), call)
    assert error_of(outcome) == ("StepTimeout", "the step did not finish within 2.5 s")
    assert outcome.log == "begun"
    assert 2.5 <= ran_for(docker_engine.inspect_container(name_of(call))["State"]) < 3.9
    assert not is_running(docker_engine, call)
    # And whoever comes after this one, had it died before it said so:
    assert error_of(run(DockerDriver(), call))[0] == "StepTimeout"


def test_a_handover_leaves_the_container_running_and_returns_at_once(
    docker_engine: Any, subject: DockerSubject
) -> None:
    call, abort, since = subject.running(_SOON), Abort(), time.time()
    with followed(DockerDriver(), call, abort) as outcomes:
        wait_for(lambda: is_running(docker_engine, call), "the container runs")
        stopped = time.monotonic()
        abort.set("handover")
    assert time.monotonic() - stopped < 1.0
    assert error_of(outcomes[0])[0] == "StepAborted"
    assert outcomes[0].kept is None
    assert is_running(docker_engine, call)
    assert run(DockerDriver(), call).output == '{"done":true}'
    assert starts(docker_engine, call, since) == 1


@pytest.mark.parametrize("is_successor", [False, True])
def test_a_cancel_kills_and_removes_the_container(
    docker_engine: Any, subject: DockerSubject, is_successor: bool
) -> None:
    call = subject.hanging()
    for reason in ["handover", "cancel"] if is_successor else ["cancel"]:
        abort = Abort()
        with followed(DockerDriver(), call, abort) as outcomes:
            wait_for(lambda: is_running(docker_engine, call), "the container runs")
            abort.set(reason)  # type: ignore[arg-type]
        assert error_of(outcomes[0])[0] == "StepAborted"
    assert containers(docker_engine, call) == []


def test_a_long_input_that_may_not_have_arrived_is_given_anew(docker_engine: Any, subject: DockerSubject) -> None:
    payload = b'"' + b"x" * 2000 * KIB + b'"'
    call = dataclasses.replace(subject.running("sleep 1; cat | wc -c"), payload=payload)
    with worker(docker_engine, call) as process:
        process.kill()
        process.wait()
        assert run(DockerDriver(), call).output == str(len(payload))
    assert len(containers(docker_engine, call)) == 1


def test_one_that_was_ended_from_outside_while_nobody_watched_is_run_again(
    docker_engine: Any, subject: DockerSubject
) -> None:
    call = subject.running("sleep 1; echo 1")
    with worker(docker_engine, call) as process:
        process.kill()
        process.wait()
        docker_engine.kill(containers(docker_engine, call)[0]["Id"])
        assert run(DockerDriver(), call).output == "1"
    assert len(containers(docker_engine, call)) == 1


def test_containers_are_listed_with_what_tells_whether_anyone_waits_for_them(
    docker_engine: Any, subject: DockerSubject
) -> None:
    call = dataclasses.replace(subject.running("echo 1"), attempt=3, step_id="a step", timeout=60.0)
    before = time.time()
    run(subject.driver, call)
    (found,) = [each for each in list_containers() if each.run_id == call.run_id]
    assert found == Found(found.id, call.owner, call.run_id, "a step", 3, found.deadline, False, found.created_at)
    assert before + 59 <= found.deadline <= time.time() + 61
    assert before - 2 <= found.created_at <= time.time() + 2
    remove_container(found.id)
    remove_container(found.id)
    assert containers(docker_engine, call) == []


def test_a_container_whose_labels_only_look_like_ours_hides_no_other(
    docker_engine: Any, subject: DockerSubject, busybox_image: str
) -> None:
    labels = {"inngest.owner": subject.echoing().owner, "inngest.run": "r", "inngest.attempt": "first"}
    stranger = docker_engine.create_container(busybox_image, ["sh"], labels=labels)["Id"]
    call = subject.running("echo 1")
    run(subject.driver, call)
    listed = list_containers()
    assert [each.run_id for each in listed if each.run_id == call.run_id] == [call.run_id]
    assert stranger not in [each.id for each in listed]
