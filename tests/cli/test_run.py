"""`inngest run`: one function here, in pipes and in a terminal, on a server that is gone when it ends."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from apps.devserver.templates import template
from apps.devserver.throwaway import engine_environment
from tests.cli.running import Running, start_and_see
from tests.cli.terminal import Terminal
from tests.waiting import wait_for

SCHEMA = {
    "type": "object",
    "required": ["name", "data"],
    "properties": {
        "data": {
            "type": "object",
            "required": ["id", "email"],
            "properties": {
                "id": {"type": "integer", "minimum": 1, "maximum": 9999},
                "email": {"type": "string", "format": "email"},
                "plan": {"enum": ["free", "pro"]},
            },
        }
    },
}
HELLO = """
export function run({ event }: { event: any }) {
  console.log("hello", event.data.email, process.env.WHO);
  return { id: event.data.id };
}
"""
FAILS = 'export function run() { throw new TypeError("the bird has flown"); }\n'


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With a database to copy from."""
    folder = tmp_path_factory.mktemp("cache")
    (folder / "run").mkdir()
    template(folder / "run", engine_environment())
    return folder


@pytest.fixture
def here(cache: Path, tmp_path: Path, person: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Running]:
    monkeypatch.chdir(tmp_path)
    running = Running(tmp_path, {**person, "INNGEST_CACHE_DIR": str(cache)})
    yield running
    assert running.left() == []


def test_a_run_that_completes_is_shown_step_by_step_and_ends_with_0(here: Running) -> None:
    here.write("hello", HELLO, {"triggers": [{"event": "user/came", "definition": schema()}]})
    (here.folder / "hello" / ".env").write_text("WHO=ada\n")
    # What a person has for a server in production is not touched, and not looked at.
    here.env |= {"DATABASE_URL": "postgresql://prod.example/live", "BROKER_URL": "redis://prod", "SECRET_KEY": "prod"}
    here.env |= {"CELERY_BROKER_URL": "redis://prod", "PGSERVICE": "prod", "PGPORT": "5433"}
    said = here.run("hello", "--seed", "7")
    assert said.code == 0, said
    event, *_ = said.out.splitlines()
    assert "◆" in event
    assert "user/came" in event
    assert "✓" in said.out
    assert "step-1" in said.out
    assert "│ hello" in said.out
    assert " ada" in said.out
    assert "completed in" in said.out


def test_a_run_that_fails_shows_why_each_time_it_is_tried_and_ends_with_1(here: Running) -> None:
    here.write("bird", FAILS, {"triggers": [{"event": "x/bird"}], "steps": {"look": here.step("look", attempts=2)}})
    here.write_script("bird/look", FAILS)
    said = here.run("--json")
    assert said.code == 1, said
    assert said.err.count("TypeError: the bird has flown") == 2
    assert "attempt 1 of 2, again in" in said.err
    assert "failed for good" in said.err
    run = json.loads(said.out)
    assert (run["function_id"], run["status"], run["output"]["message"]) == ("bird", "Failed", "the bird has flown")
    assert [step["attempts"] for step in run["steps"]] == [2]


def test_events_of_stdin_run_one_after_the_other_and_are_counted(here: Running) -> None:
    here.write("go", HELLO, {"triggers": [{"event": "x/go", "expression": "event.data.id > 0"}]})
    lines = [json.dumps({"data": {"id": number}}) for number in (1, 0, 12345678901234567890)]
    said = here.run("go", "--event-file", "-", "--json", stdin="\n".join(lines))
    assert said.code == 0, said
    first, second, third = json.loads(said.out)
    assert first["output"] == {"id": 1}
    assert second["run"] is None
    assert "event.data.id > 0" in second["reason"]
    assert third["status"] == "Completed"
    assert "3 events: 2 Completed, 1 not started" in said.err


def test_an_event_that_starts_nothing_is_a_problem_with_its_reason(here: Running) -> None:
    here.write("go", HELLO, {"triggers": [{"event": "x/go", "expression": "event.data.id > 0"}]})
    said = here.run()
    assert said.code == 1
    assert "error: nothing was run: " in said.err
    assert "event.data.id > 0" in said.err


def test_a_cron_is_run_at_once_as_its_tick(here: Running) -> None:
    here.write("weekly", "export const run = ({ event }: any) => event.data;", {"triggers": [{"cron": "0 9 * * 1"}]})
    said = here.run("--json")
    assert said.code == 0, said
    assert json.loads(said.out)["output"] == {"cron": "0 9 * * 1"}
    assert "by its cron" in said.err


def test_ctrl_c_ends_a_run_that_waits_and_leaves_no_process(here: Running) -> None:
    edge = {"step": "ask", "async": {"event": "x/answer", "ttl": "1h"}}
    steps = {"ask": here.step("ask"), "thank": here.step("thank") | {"after": [edge]}}
    here.write("quiz", "", {"triggers": [{"event": "x/quiz"}], "steps": steps})
    for step in steps:
        here.write_script(f"quiz/{step}", "export const run = () => 1;")
    terminal = Terminal(["run", "quiz"], here.env, columns=120)
    terminal.wait_for("waits for x/answer")
    terminal.wait_for("no other event comes in here")
    children = psutil.Process(terminal.process.pid).children(recursive=True)
    assert {child.name() for child in children} >= {"postgres"}
    terminal.interrupt()
    assert terminal.end() == 130
    assert "Traceback" not in terminal.text
    wait_for(lambda: not any(child.is_running() for child in children), "no process is left")


def test_what_a_killed_command_left_is_swept_by_the_next(here: Running, cache: Path) -> None:
    here.write("quiz", "export const run = () => new Promise(() => {});", {"triggers": [{"event": "x/quiz"}]})
    folder = start_and_see(here, "quiz")
    children = psutil.Process(folder.process.pid).children(recursive=True)
    folder.process.kill()
    folder.process.wait()
    wait_for(lambda: not any(child.is_running() for child in children), "the kernel ends them")
    assert here.left() == [folder.path.name]
    os.utime(folder.path, (0, 0))
    here.write("quiz", "export const run = () => 1;", {"triggers": [{"event": "x/quiz"}]})
    assert here.run("quiz").code == 0


def schema() -> dict[str, object]:
    return {"format": "json-schema", "def": SCHEMA}
