"""Docker steps on a real fleet and a real engine, which is asked in the end how many containers there were."""

import contextlib
import json
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from apps.devserver import fleet
from drivers.contract import Bundle
from tests.acceptance.fleet import Running
from tests.acceptance.functions import event_of
from tests.acceptance.server import Server
from tests.acceptance.whole import history, left_over, wait_settled
from tests.cli.doctoring import examine
from tests.docker_engine import remove
from tests.functions import DEV
from tests.waiting import wait_for

pytestmark = [pytest.mark.docker, pytest.mark.timeout(180)]

OWNED = {"label": [f"inngest.owner={DEV}"]}
ENGINE = Path("/var/run/docker.sock")
_REMOVE_ORPHANS = """
import django
django.setup()
from apps.executor.chores import remove_orphans
remove_orphans.GRACE_SECONDS = 0.0
remove_orphans.remove_orphans()
"""


class ContainerServer(Server):
    """Its functions are `box`, whose three steps take a moment, and `long`, whose step takes for ever."""

    def __init__(self, quick: str, long: str) -> None:
        super().__init__({"UNAVAILABLE_RETRY_SECONDS": "0.5"})
        self._images = {"quick": quick, "long": long}

    def prepare(self) -> None:
        functions = self.folder / "functions"
        self._write(functions / "box", "quick", {"first": ["$trigger"], "left": ["first"], "right": ["first"]})
        self._write(functions / "long", "long", {"only": ["$trigger"]})
        said = subprocess.run(
            fleet.manage("dev_prepare", str(functions)),
            env=self.environment(),
            capture_output=True,
            text=True,
            check=True,
        )
        assert "not loaded" not in said.stdout, said.stdout

    def docker_worker(self, name: str, **settings: str) -> Running:
        worker = self.own.worker(name, "steps.docker", settings=settings)
        self.wait_working(worker)
        return worker

    def runs(self) -> set[str]:
        return {run for (run,) in self.rows("SELECT id FROM state_run")}

    def remove_orphans(self) -> None:
        """As the chore does it, but for what is young, too."""
        subprocess.run([sys.executable, "-c", _REMOVE_ORPHANS], env=self.environment(), check=True)

    def _write(self, folder: Path, image: str, after: Mapping[str, list[str]]) -> None:
        steps = {
            step: {
                "id": step,
                "name": step,
                "runtime": {"type": "docker", "image": self._images[image], "memory": "32MB"},
                "after": [{"step": before} for before in follows],
                "timeout": "60s",
            }
            for step, follows in after.items()
        }
        name = folder.name
        document = {"id": name, "name": name, "triggers": [{"event": event_of(name)}], "steps": steps}
        folder.mkdir(parents=True)
        (folder / "inngest.json").write_text(json.dumps(document))


@pytest.fixture(scope="module")
def standing_server(docker_engine: Any, busybox_image: str) -> Iterator[ContainerServer]:
    from drivers.docker_images import build_image

    def image(name: str, script: str) -> str:
        dockerfile = f"FROM {busybox_image}\nCMD {json.dumps(['/bin/sh', '-c', script])}\n"
        tag = f"{busybox_image}-{name}"
        build_image(docker_engine, Bundle(name, {"Dockerfile": dockerfile.encode()}), "Dockerfile", tag)
        return tag

    server = ContainerServer(image("quick", "sleep 0.5; echo 1"), image("long", "sleep 1000"))
    try:
        server.start()
        yield server
    finally:
        server.close()


@pytest.fixture
def engine(server: ContainerServer, docker_engine: Any) -> Iterator[Any]:
    yield docker_engine
    server.own.kill()
    for container in containers(docker_engine, server):
        remove(docker_engine, container["Id"])


def containers(engine: Any, server: ContainerServer, *, running: bool = False) -> list[Mapping[str, Any]]:
    """Those of this server's runs."""
    runs = server.runs()
    found = engine.containers(all=not running, filters=OWNED)
    return [one for one in found if one["Labels"]["inngest.run"] in runs]


class Started:
    """Hears of every container of this kind of server that starts: the engine remembers its last 256 events only."""

    def __init__(self, engine: Any) -> None:
        filters = {**OWNED, "type": "container", "event": "start"}
        self._labels: list[Mapping[str, str]] = []
        self._stream = engine.events(since=int(time.time()), filters=filters, decode=True)
        self._thread = threading.Thread(target=self._hear)
        self._thread.start()

    def of(self, server: ContainerServer) -> Counter[tuple[str, str, str]]:
        """How many containers ran for each attempt of a step."""
        runs = server.runs()
        names = ("inngest.run", "inngest.step", "inngest.attempt")
        found = ((one[names[0]], one[names[1]], one[names[2]]) for one in list(self._labels))
        return Counter(one for one in found if one[0] in runs)

    def close(self) -> None:
        self._stream.close()
        self._thread.join()

    def _hear(self) -> None:
        with contextlib.suppress(Exception):  # it is cut off in the end
            for event in self._stream:
                self._labels.append(event["Actor"]["Attributes"])


@pytest.fixture
def started(engine: Any) -> Iterator[Started]:
    hearing = Started(engine)
    yield hearing
    hearing.close()


def test_workers_killed_again_and_again_leave_one_container_for_each_attempt(
    server: ContainerServer, engine: Any, started: Started
) -> None:
    workers = [server.docker_worker(name, DOCKER_SLOTS="3") for name in ("one", "two")]
    server.post("box", 10)
    for _ in range(4):
        victim = wait_for(lambda: in_a_container(engine, server, workers), "a worker has a container")[0]
        victim.kill()
        workers.remove(victim)
        workers.append(server.own.start_again(victim))
    wait_settled(server, 90)
    assert server.rows("SELECT status, count(*) FROM state_run GROUP BY status") == [("completed", 10)]
    assert history(server, "step.returned")
    expected = {(run, step, "0") for run in server.runs() for step in ("first", "left", "right")}
    wait_for(lambda: set(started.of(server)) == expected, "the engine has told of all containers", 10)
    assert set(started.of(server).values()) == {1}
    server.remove_orphans()  # of workers that were killed just after they had recorded a result
    wait_for(lambda: not containers(engine, server), "no container is left", 10)


def in_a_container(engine: Any, server: ContainerServer, workers: Sequence[Running]) -> list[Running]:
    """The workers that have a step in hand while containers run."""
    if not containers(engine, server, running=True):
        return []
    leased = "SELECT count(*) FROM state_leaseditem WHERE worker_id = %s"
    return [worker for worker in workers if server.number(leased, server.identity_of(worker) or 0)]


def test_while_the_engine_is_away_steps_wait_and_everybody_says_so(
    server: ContainerServer, engine: Any, tmp_path: Path
) -> None:
    socket = server.folder / "engine.sock"
    server.docker_worker("docker", DOCKER_HOST=f"unix://{socket}")
    server.post("box")
    try:
        wait_for(lambda: history(server, "step.waiting"), "the step waits")
        (run,) = server.runs()
        step = server.call("GET", f"/v1/runs/{run}")[1]["data"]["steps"][0]
        reason = "attempt 1 waits: the Docker engine does not answer"
        assert (step["status"], step["attempts"], step["tries"]) == ("Waiting", 0, [])
        assert step["reason"].startswith(reason)
        wait_for(lambda: server.number("SELECT count(*) FROM state_worker WHERE faults <> ''"), "the worker tells it")
        wait_for(lambda: "steps wait: " in docker_check(server), "/ready tells it")
        assert str(socket) not in docker_check(server)
        level, found, to_do = examine(server, tmp_path).of("Docker engine")
        assert level == "fault"
        assert str(socket) in found
        assert "DOCKER_HOST" in to_do
        # However often it is tried, the history says it once.
        tried = server.rows("SELECT due_at FROM state_scheduleditem")
        wait_for(lambda: server.rows("SELECT due_at FROM state_scheduleditem") not in ([], tried), "it is tried again")
        assert len(history(server, "step.waiting")) == 1
    finally:
        socket.symlink_to(ENGINE)
    wait_settled(server, 60)
    assert server.rows("SELECT status FROM state_run") == [("completed",)]
    assert set(server.rows("SELECT step_id, number, ok FROM state_attempt")) == {
        (step, 1, True) for step in ("first", "left", "right")
    }
    wait_for(lambda: docker_check(server) == "OK", "/ready is content")


def docker_check(server: ContainerServer) -> str:
    said: str = server.call("GET", "/ready")[1]["checks"]["docker"]["message"]
    return said


def test_a_cancelled_run_loses_its_container_and_one_that_is_handed_over_keeps_it(
    server: ContainerServer, engine: Any, started: Started
) -> None:
    first = server.docker_worker("first")
    server.post("long", 2)
    wait_for(lambda: len(containers(engine, server, running=True)) == 2, "both run")
    cancelled, kept = sorted(server.runs())
    server.cancel(cancelled)

    def left() -> list[str]:
        return [one["Labels"]["inngest.run"] for one in containers(engine, server)]

    wait_for(lambda: left() == [kept], "the cancelled run's container is gone", 10)
    first.terminate()
    assert left() == [kept]
    server.docker_worker("second")
    wait_for(lambda: server.number("SELECT count(*) FROM state_leaseditem"), "another worker goes on with it")
    server.cancel(kept)
    wait_for(lambda: not left(), "its container is gone, too", 10)
    wait_for(lambda: not left_over(server), "nothing is left to do")
    assert started.of(server) == {(cancelled, "only", "0"): 1, (kept, "only", "0"): 1}


def test_orphans_are_removed_and_nothing_that_may_be_anothers(server: ContainerServer, engine: Any) -> None:
    worker = server.docker_worker("killed")
    server.post("long", 2)
    wait_for(lambda: len(containers(engine, server, running=True)) == 2, "both run")
    worker.signal(signal.SIGKILL)
    worker.wait_ended()
    ended, open_run = sorted(server.runs())
    server.cancel(ended)
    others = [_stray(engine, DEV, "01" + "Z" * 24), _stray(engine, "11111111-1111-4111-8111-111111111111", ended)]
    try:
        server.remove_orphans()
        assert [one["Labels"]["inngest.run"] for one in containers(engine, server)] == [open_run]
        assert {one["Id"] for one in engine.containers(all=True)} >= set(others)
    finally:
        for other in others:
            remove(engine, other)


def _stray(engine: Any, owner: str, run: str) -> str:
    """A container that another server might have made."""
    labels = {
        "inngest.owner": owner,
        "inngest.run": run,
        "inngest.step": "only",
        "inngest.attempt": "0",
        "inngest.deadline": "1",
    }
    image = engine.images(filters={"label": "inngest.tests"})[0]["Id"]
    return str(engine.create_container(image, ["sleep", "1000"], labels=labels)["Id"])
