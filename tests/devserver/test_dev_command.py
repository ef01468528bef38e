"""`manage.py dev` as a person runs it: the whole server, in processes of its own."""

import json
import os
import re
import signal
import socket
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from apps.devserver import fleet
from apps.devserver.processes import holds_within
from tests.devserver.app_servers import SDK, Answer, introspection, nothing, serving
from tests.devserver.registrations import registration

START_SECONDS = 90.0
STOP_SECONDS = 60.0
NOT_GIVEN = {"DATABASE_URL", "BROKER_URL", "INNGEST_DEV", "SECRET_KEY"}
PROGRAMS = {"postgres", "valkey", "app", "events", "steps-1", "steps-2", "cpu", "web", "functions", "beat", "apps"}


@dataclass
class DevServer:
    process: subprocess.Popen[bytes]
    port: int
    output: Path

    def log(self) -> str:
        return self.output.read_text(errors="replace")

    def is_up(self) -> bool:
        assert self.process.poll() is None, self.log()
        return "is running on" in self.log()

    def answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/health", timeout=2) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def command(data: Path, port: int, *more: str) -> list[str]:
    functions = fleet.PROJECT / "examples"
    arguments = ["dev", f"--port={port}", f"--app-port={free_port()}", f"--data={data}", f"--functions={functions}"]
    return fleet.manage(*arguments, "--no-discovery", *more)


def environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in NOT_GIVEN}
    return {**kept, "INNGEST_DEV": "1"}


@contextmanager
def dev_server(data: Path, *more: str) -> Iterator[DevServer]:
    port = free_port()
    output = data.with_suffix(".log")
    with output.open("wb") as log:
        process = subprocess.Popen(
            command(data, port, *more), stdout=log, stderr=log, env=environment(), start_new_session=True
        )
    server = DevServer(process, port, output)
    try:
        assert holds_within(START_SECONDS, server.is_up, pause=0.1), server.log()
        yield server
    finally:
        if process.poll() is None:
            process.terminate()
        process.wait(STOP_SECONDS)


def run_to_end(data: Path, port: int) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(data, port), env=environment(), capture_output=True, text=True, timeout=START_SECONDS, check=False
    )


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("dev") / "data"


def test_it_runs_everything_and_ctrl_c_stops_every_child_in_order(data: Path) -> None:
    with dev_server(data) as server:
        assert server.answers()
        children = psutil.Process(server.process.pid).children(recursive=True)
        server.process.send_signal(signal.SIGINT)
        assert server.process.wait(STOP_SECONDS) == 0, server.log()
    stopped = re.findall(r"stopping (?!;)([\w, -]+)$", server.log(), flags=re.MULTILINE)
    assert stopped == ["functions, beat, apps", "web", "events, steps-1, steps-2, cpu", "app", "valkey", "postgres"]
    assert "is killed" not in server.log()
    assert len(children) >= len(PROGRAMS)
    assert not [child for child in children if child.is_running()]


def test_whichever_process_is_killed_comes_back(data: Path) -> None:
    with dev_server(data) as server:
        before = {child.pid: child for child in psutil.Process(server.process.pid).children()}
        assert len(before) == len(PROGRAMS)
        for child in before.values():
            child.kill()
        restarted = [rf"{name} ended \(killed by SIGKILL\); starting it again" for name in PROGRAMS]
        assert holds_within(
            START_SECONDS, lambda: all(re.search(line, server.log()) for line in restarted), pause=0.1
        ), server.log()
        assert holds_within(START_SECONDS, server.answers, pause=0.1), server.log()


def test_killed_itself_it_leaves_nothing_and_starts_again_on_the_same_data(data: Path) -> None:
    with dev_server(data) as server:
        children = psutil.Process(server.process.pid).children(recursive=True)
        server.process.kill()
        server.process.wait()
    with dev_server(data) as server:
        assert server.answers()
        assert not [child for child in children if child.is_running()], "a child of the killed server still runs"


def test_an_app_named_on_the_command_line_registers_and_is_told(data: Path) -> None:
    with serving(nothing) as app, dev_server(data, "--url", app.url()) as server:

        def answer(method: str, path: str) -> Answer:
            if method == "GET":
                return introspection(method, path)
            url = f"http://127.0.0.1:{server.port}/fn/register"
            body = json.dumps(registration(app.url(), "order", "refund")).encode()
            with urllib.request.urlopen(
                urllib.request.Request(url, body, {"content-type": "application/json"})
            ) as told:
                return (200, SDK, json.load(told))

        app.answer = answer
        line = rf"^[\d:.]+  apps +synced app shop from {app.url()}: 2 functions$"
        assert holds_within(
            START_SECONDS, lambda: bool(re.search(line, server.log(), flags=re.MULTILINE)), pause=0.1
        ), server.log()


def test_a_data_folder_in_use_is_told_in_a_sentence(data: Path) -> None:
    with dev_server(data) as server:
        second = run_to_end(data, free_port())
        assert second.returncode == 1
        assert re.fullmatch(
            rf"The data folder {re.escape(str(data))} is in use by another development server "
            rf"\(process {server.process.pid}\); .*\n?",
            second.stderr,
        )


def test_a_port_in_use_is_told_in_a_sentence(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        second = run_to_end(tmp_path / "data", port)
    assert second.returncode == 1
    assert re.fullmatch(
        rf"Port {port} is in use by process {os.getpid()}: .*; stop it, or give another port with --port\.\n?",
        second.stderr,
    )
    assert second.stdout == ""
