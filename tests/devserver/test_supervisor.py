import io
import json
import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from apps.devserver import leftovers
from apps.devserver.faults import CannotStart
from apps.devserver.fleet import Program
from apps.devserver.output import Log
from apps.devserver.processes import Process, holds_within
from apps.devserver.supervisor import Supervisor

DEADLINE_SECONDS = 20.0
# Says its process id, then waits for a signal; the second one does not care for SIGTERM.
POLITE = "import os, signal; print(os.getpid(), flush=True); signal.pause()"
DEAF = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {POLITE}"


@pytest.fixture
def terminal() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def supervisor(terminal: io.StringIO, tmp_path: Path) -> Iterator[Supervisor]:
    supervisor = Supervisor(Log(terminal), tmp_path / "children.json")
    yield supervisor
    supervisor.kill()
    supervisor.stop()  # there is nothing left to stop, but to be reaped


def program(name: str, script: str, grace: float = 10.0) -> Program:
    return Program(name, [sys.executable, "-c", script], os.environ, grace)


def recorded(name: str, process: Process) -> leftovers.Child:
    return leftovers.Child(name, process.pid, signal.SIGTERM, 5.0)


def ids_of(name: str, terminal: io.StringIO) -> list[int]:
    """The process ids that a program has told, the latest last."""
    lines = [line.split(maxsplit=2) for line in terminal.getvalue().splitlines()]
    return [int(text) for _, label, text in lines if label == name]


def await_(condition: Callable[[], bool], supervisor: Supervisor) -> None:
    def looked() -> bool:
        supervisor.look()
        return condition()

    assert holds_within(DEADLINE_SECONDS, looked)


def test_a_child_that_is_killed_is_started_again(supervisor: Supervisor, terminal: io.StringIO) -> None:
    supervisor.start(program("one", POLITE), 0)
    await_(lambda: len(ids_of("one", terminal)) == 1, supervisor)
    os.kill(ids_of("one", terminal)[0], signal.SIGKILL)
    await_(lambda: len(ids_of("one", terminal)) == 2, supervisor)
    assert "one ended (killed by SIGKILL); starting it again" in terminal.getvalue()


def test_what_a_killed_child_had_started_is_ended_with_it(supervisor: Supervisor, terminal: io.StringIO) -> None:
    parent = (
        f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {POLITE!r}]); import signal; signal.pause()"
    )
    supervisor.start(program("one", parent), 0)
    await_(lambda: len(ids_of("one", terminal)) == 1, supervisor)
    grandchild = psutil.Process(ids_of("one", terminal)[0])
    grandchild.parents()[0].kill()
    await_(lambda: not grandchild.is_running() or grandchild.status() == psutil.STATUS_ZOMBIE, supervisor)


def test_children_stop_by_rank(supervisor: Supervisor, terminal: io.StringIO) -> None:
    for rank, name in ((2, "last"), (0, "first"), (1, "middle")):
        supervisor.start(program(name, POLITE), rank)
    await_(lambda: all(ids_of(name, terminal) for name in ("first", "middle", "last")), supervisor)
    supervisor.stop()
    said = [line for line in terminal.getvalue().splitlines() if "stopping" in line]
    assert [line.split()[-1] for line in said] == ["first", "middle", "last"]
    assert not any(psutil.pid_exists(ids_of(name, terminal)[0]) for name in ("first", "middle", "last"))


def test_a_child_that_does_not_stop_in_time_is_killed(supervisor: Supervisor, terminal: io.StringIO) -> None:
    supervisor.start(program("deaf", DEAF, grace=0.2), 0)
    await_(lambda: len(ids_of("deaf", terminal)) == 1, supervisor)
    supervisor.stop()
    assert "deaf did not stop in time and is killed" in terminal.getvalue()
    assert not psutil.pid_exists(ids_of("deaf", terminal)[0])


def test_a_service_that_cannot_be_started_again_is_tried_again(supervisor: Supervisor, terminal: io.StringIO) -> None:
    class Moody:
        name = "moody"
        stop_signal = signal.SIGTERM
        grace = 5.0
        tries = 0

        def spawn(self) -> Process:
            self.tries += 1
            if self.tries == 2:
                raise CannotStart("not in the mood")
            return program("moody", POLITE).spawn()

    supervisor.start(Moody(), 0)
    await_(lambda: len(ids_of("moody", terminal)) == 1, supervisor)
    os.kill(ids_of("moody", terminal)[0], signal.SIGKILL)
    await_(lambda: len(ids_of("moody", terminal)) == 2, supervisor)
    assert "not in the mood" in terminal.getvalue()


def test_what_a_killed_child_of_a_killed_server_left_is_ended(tmp_path: Path) -> None:
    parent = program("left", f"import subprocess, sys; subprocess.run([sys.executable, '-c', {POLITE!r}])").spawn()
    record = tmp_path / "children.json"
    assert parent.stdout
    with parent.stdout:
        grandchild = psutil.Process(int(parent.stdout.readline()))
        leftovers.record([recorded("left", parent)], record)
        parent.kill()
        parent.wait()
        assert leftovers.stop_recorded(record) == ["left"]
        assert not grandchild.is_running()


def test_what_a_killed_server_left_is_ended_and_a_reused_id_left_alone(tmp_path: Path) -> None:
    left = program("left", POLITE).spawn()
    stranger = program("stranger", POLITE).spawn()
    record = tmp_path / "children.json"
    try:
        leftovers.record([recorded("left", left), recorded("stranger", stranger)], record)
        entries = json.loads(record.read_text())
        entries[1]["started"] -= 60
        record.write_text(json.dumps(entries))
        assert leftovers.stop_recorded(record) == ["left"]
        assert not psutil.pid_exists(left.pid)
        assert stranger.poll() is None
    finally:
        stranger.kill()
        for process in (left, stranger):
            process.wait()
            assert process.stdout
            process.stdout.close()
