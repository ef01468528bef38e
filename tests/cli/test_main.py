"""The command as a whole: help, version, wrong words, how quickly it starts, how it ends."""

import os
import subprocess
import threading

import pytest

from apps.version import VERSION
from tests.cli.servers import Reply, answering, as_json
from tests.cli.terminal import COMMAND, Terminal, on_screen, run
from tests.waiting import wait_for

Environment = dict[str, str]
START_SECONDS = 0.3

_IMPORTED = """
import sys, runpy
sys.argv = ["inngest", *sys.argv[1:]]
try:
    runpy.run_module("apps.cli.main", run_name="__main__")
except SystemExit:
    pass
sys.stderr.write(" ".join(sorted({name.partition(".")[0] for name in sys.modules})))
"""


def _imported(arguments: list[str], person: Environment) -> set[str]:
    done = subprocess.run(
        [COMMAND[0], "-c", _IMPORTED, *arguments], env=person, capture_output=True, text=True, check=True
    )
    return set(done.stderr.splitlines()[-1].split())


@pytest.mark.parametrize("arguments", [["--help"], ["runs", "--help"], ["--version"]])
def test_help_needs_neither_django_nor_the_network_code(person: Environment, arguments: list[str]) -> None:
    assert not _imported(arguments, person) & {"django", "celery", "psycopg", "urllib3", "rich"}


@pytest.mark.parametrize(
    "arguments",
    [
        ["whoami"],
        ["runs"],
        ["run-info", "0" * 26],
        ["cancel", "0" * 26, "--yes"],
        ["events", "send", "a"],
        ["functions"],
    ],
)
def test_commands_that_ask_the_server_do_without_django(person: Environment, arguments: list[str]) -> None:
    with answering(lambda _: Reply(500)) as server:
        assert not _imported(arguments, person | {"INNGEST_API_URL": server.url}) & {"django", "celery", "psycopg"}


def test_it_starts_at_once(person: Environment) -> None:
    """In processor time, which other work on the machine does not stretch."""

    def took() -> float:
        before = os.times()
        assert run(["--help"], person).code == 0
        after = os.times()
        return after.children_user + after.children_system - before.children_user - before.children_system

    assert any(took() < START_SECONDS for _ in range(5))


def test_the_help_lists_every_command_in_its_section(person: Environment) -> None:
    terminal = on_screen(["--help"], person)
    headings = ["Functions:", "Runs and events:", "Server:"]
    assert [line for line in terminal.lines if line in headings] == headings
    for command in ("deploy", "runs", "run-info", "cancel", "events", "login", "logout", "whoami"):
        assert any(line.startswith(f"  {command} ") for line in terminal.lines), command
    assert max(map(len, terminal.lines)) <= 80


def test_the_version(person: Environment) -> None:
    assert run(["--version"], person) == (f"inngest {VERSION}\n", "", 0)


@pytest.mark.parametrize("arguments", [["nonsense"], ["runs", "--nonsense"], ["run-info"], ["runs", "--limit", "0"]])
def test_wrong_usage_has_an_exit_code_of_its_own(person: Environment, arguments: list[str]) -> None:
    said = run(arguments, person)
    assert (said.code, said.out) == (2, "")
    assert "Usage: inngest" in said.err
    assert "Error: " in said.err


def test_nobody_has_to_read_to_the_end(person: Environment) -> None:
    runs = [
        {"run_id": f"{number:026}", "phase": None, "status": "Completed", "function_id": "f" * 200, "output": None}
        | dict.fromkeys(("queued_at", "ended_at"), "2026-01-01T00:00:00Z")
        for number in range(300)
    ]
    page = {"data": runs, "page": {"next_cursor": None}, "metadata": {"fetched_at": "2026-01-01T00:00:00Z"}}
    with answering(lambda _: as_json(page)) as server:
        env = person | {"INNGEST_API_URL": server.url}
        for options in ("", " --json"):
            pipe = f"{COMMAND[0]} -m apps.cli.main runs --limit 300{options} | head -1"
            done = subprocess.run(["sh", "-c", pipe], env=env, capture_output=True, text=True, check=False)
            assert len(done.stdout.splitlines()) == 1
            assert done.stderr == ""


@pytest.mark.parametrize(("arguments", "unbuffered"), [("--version", ""), ("runs", ""), ("runs --json", "1")])
def test_what_cannot_be_printed_is_an_error_of_one_line(person: Environment, arguments: str, unbuffered: str) -> None:
    listed = {"run_id": "0" * 26, "phase": None, "status": "Queued", "function_id": "f", "output": None}
    listed |= dict.fromkeys(("queued_at", "ended_at"), "2026-01-01T00:00:00Z")
    page = {"data": [listed], "page": {"next_cursor": None}, "metadata": {"fetched_at": "2026-01-01T00:00:00Z"}}
    with answering(lambda _: as_json(page)) as server:
        env = person | {"INNGEST_API_URL": server.url, "PYTHONUNBUFFERED": unbuffered}
        for redirection, why in (("> /dev/full", "No space left on device"), (">&-", "stdout is closed")):
            line = f"{COMMAND[0]} -m apps.cli.main {arguments} {redirection}"
            done = subprocess.run(["sh", "-c", line], env=env, capture_output=True, text=True, check=False)
            assert done.stderr == f"error: what there is to print cannot be written: {why}\n"
            assert done.returncode == 1


def test_ctrl_c_in_the_first_moments_ends_it_without_a_word(person: Environment) -> None:
    """The signal comes when the first module of ours that is not the command itself is looked for."""
    early = """
import os, runpy, signal, sys
class Early:
    def find_spec(self, name, path=None, target=None):
        if name == "apps.cli.registry":
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Early())
sys.argv = ["inngest", "--help"]
runpy.run_module("apps.cli.main", run_name="__main__")
"""
    done = subprocess.run([COMMAND[0], "-c", early], env=person, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


def test_ctrl_c_ends_it_without_a_word(person: Environment) -> None:
    hold = threading.Event()

    def wait(_: object) -> Reply:
        hold.wait(20)
        return Reply()

    with answering(wait) as server:
        terminal = Terminal(["runs"], person | {"INNGEST_API_URL": server.url})
        wait_for(lambda: server.asked, "the server is asked")
        terminal.interrupt()
        code = terminal.end()
        hold.set()
    assert code == 130
    assert terminal.text.strip() in {"", "^C"}


def test_a_fault_of_our_own_is_a_sentence_and_a_traceback_only_on_demand(person: Environment) -> None:
    with answering(lambda _: as_json({"data": {}})) as server:
        env = person | {"INNGEST_API_URL": server.url}
        said = run(["whoami"], env)
        asked = run(["whoami"], env | {"INNGEST_DEBUG": "1"})
    assert said.code == asked.code == 1
    assert said.err.startswith("error: ")
    assert "Traceback" not in said.err
    assert "Traceback" in asked.err


def test_completion_is_there(person: Environment) -> None:
    script = run(["--show-completion", "bash"], person | {"_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"})
    assert "_INNGEST_COMPLETE" in script.out
