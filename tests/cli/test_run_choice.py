"""What `inngest run` is to run, and what keeps it from running: no server is started for any of it."""

import io
import json
import os
import signal
import sys
from pathlib import Path

import msgspec
import psutil
import pytest

from apps.cli.problems import Problem
from apps.cli.run_choice import Chosen, check
from apps.cli.run_events import Event, _limits, from_file
from apps.cli.wasm_builds import build_modules
from inngest_server.environment import SETTINGS
from tests.cli.running import Running
from tests.cli.servers import WholeServer
from tests.cli.terminal import Terminal

ECHO = "export const run = ({ event }: any) => event;"
DATA = {"type": "object", "required": ["id"], "properties": {"id": {"type": "integer", "minimum": 1}}}
SCHEMA = {"format": "json-schema", "def": {"type": "object", "required": ["data"], "properties": {"data": DATA}}}


@pytest.fixture
def here(tmp_path: Path, person: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Running:
    monkeypatch.chdir(tmp_path)
    return Running(tmp_path, {**person, "INNGEST_CACHE_DIR": str(tmp_path / "cache")})


def test_of_several_functions_one_must_be_named(here: Running) -> None:
    here.write("mail", ECHO, {"triggers": [{"event": "x/mail"}]})
    here.write("post", ECHO, {"id": "letters", "triggers": [{"event": "x/post"}]})
    said = here.run("--snapshot")
    assert said.code == 2
    assert "name one with --function" in said.err
    assert "letters" in said.err
    for name in ("letters", "post"):
        said = here.run("--function", name, "--snapshot")
        assert (said.code, json.loads(said.out)) == (0, {"name": "x/post", "data": {}})
    said = here.run("--function", "fax", "--snapshot")
    assert said.code == 1
    assert "there is no function fax" in said.err


def test_without_a_function_it_says_what_one_is(here: Running) -> None:
    said = here.run()
    assert said.code == 1
    assert "there is no function below ." in said.err
    assert "inngest init" in said.err


def test_faults_are_shown_with_their_lines_and_nothing_runs(here: Running) -> None:
    here.write("mail", ECHO, {"triggers": [{"event": "x/mail", "expression": "event.data.id >"}]})
    said = here.run("mail")
    assert said.code == 1
    assert "mail/inngest.json:1: $.triggers[0].expression: " in said.err
    assert "error: 1 fault; nothing was run" in said.err


def test_the_snapshot_of_a_seed_is_the_same_event_and_nothing_else_on_stdout(here: Running) -> None:
    here.write("mail", ECHO, {"triggers": [{"event": "x/mail", "definition": SCHEMA}]})
    first, second = (here.run("--snapshot", "--seed", "7") for _ in range(2))
    assert first.code == 0
    assert first.out == second.out
    assert json.loads(first.out)["data"]["id"] >= 1
    unseeded = here.run("--snapshot")
    seed = unseeded.err.split("--seed ")[1].split()[0]
    assert here.run("--snapshot", "--seed", seed).out == unseeded.out


def test_a_trigger_is_named_by_its_event_or_its_cron(here: Running) -> None:
    here.write("mail", ECHO, {"triggers": [{"event": "x/a"}, {"event": "x/b"}, {"cron": "0 9 * * 1"}]})
    first = here.run("--snapshot")
    assert json.loads(first.out)["name"] == "x/a"
    assert "--trigger takes another: x/b, 0 9 * * 1" in first.err
    assert json.loads(here.run("--snapshot", "--trigger", "x/b").out)["name"] == "x/b"
    by_cron = json.loads(here.run("--snapshot", "--trigger", "0 9 * * 1").out)
    assert by_cron == {"name": "inngest/scheduled.timer", "data": {"cron": "0 9 * * 1"}}
    assert "has no trigger x/c" in here.run("--snapshot", "--trigger", "x/c").err


def test_an_event_that_does_not_trigger_it_is_refused(here: Running) -> None:
    here.write("mail", ECHO, {"triggers": [{"event": "x/mail"}]})
    said = here.run("--event-file", "-", stdin='{"name": "x/post"}')
    assert said.code == 1
    assert "mail is not triggered by x/post" in said.err


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"data": [1]}', 'stdin, line 1: "data" must be an object, not an array'),
        ('{}\n{"ts": -1}', 'stdin, line 2: "ts" must be milliseconds since 1970'),
        ('{"ts": 12345678901234567890123}', '"ts" '),
        ('{"id": "a\\u0000"}', 'stdin, line 1: "id" holds the character \\u0000'),
        (json.dumps({"id": "x" * 5_000}), '"id" has 5000 characters'),
        ('{"name": null}', '"name" must be a string, not null'),
        ('{"data": {"a": "\\ud800"}}', "stdin, line 1: unpaired surrogate escape \\ud800"),
        ('[{},\n{"data": {"a": "\\ud800"}}]', "stdin is no JSON: unpaired surrogate escape \\ud800 (line 2)"),
        ('[{},\n{"data": }]', "(line 2)"),
        ("[{},\n", "it ends too soon (line 1)"),
        ('{"data": {"a": ' + "[" * 3_000 + "]" * 3_000 + "}}", "stdin, line 1: nested more than 1000 levels deep"),
        ('[{"data": {"a": ' + "[" * 3_000 + "]" * 3_000 + "}}]", "stdin, event 1: nested more than 1000 levels deep"),
        ("{}\n" * 1_001, "stdin holds more than 1000 events"),
    ],
)
def test_what_a_server_would_not_take_is_refused_with_its_place(
    text: str, said: str, here: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(Problem) as problem:
        from_stdin(text, here, monkeypatch)
    assert said in problem.value.message


def test_what_a_server_takes_is_taken(here: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    deep = '{"data": {"a": ' + "[" * 997 + "]" * 997 + '}, "user": null, "id": null}'
    timer = '{"name": "inngest/scheduled.timer", "ts": 0}'
    events = from_stdin(f'{deep}\n{{"data": null}}\n{timer}\n{{}}', here, monkeypatch)
    assert [one["name"] for one in events] == ["x/mail", "x/mail", "inngest/scheduled.timer", "x/mail"]
    assert events[1] == {"name": "x/mail", "data": msgspec.Raw(b"{}"), "user": msgspec.Raw(b"{}")}


def from_stdin(text: str, here: Running, monkeypatch: pytest.MonkeyPatch) -> list[Event]:
    here.write("mail", ECHO, {"triggers": [{"event": "x/mail"}, {"cron": "0 9 * * 1"}]})
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    return from_file("-", check(here.folder / "mail"), Chosen("x/mail"), 1_000)


def test_the_limits_are_those_of_a_server_without_settings_of_its_own() -> None:
    of_servers = {setting.name: setting.default for setting in SETTINGS}
    limits = _limits()
    assert (limits.event_bytes, limits.depth) == (of_servers["EVENT_MAX_BYTES"], of_servers["EVENT_MAX_DEPTH"])


def test_options_that_say_two_events_are_wrong_usage(here: Running) -> None:
    here.write("mail", ECHO, {"triggers": [{"event": "x/mail"}]})
    for options in (["--seed", "1", "--replay"], ["--event-file", "-", "--event-id", "x"], ["--count", "2"]):
        assert here.run(*options).code == 2


def write_sum(here: Running, runtime: dict[str, str]) -> None:
    step = {"id": "add", "path": "file://./add", "runtime": runtime}
    here.write("sum", "", {"triggers": [{"event": "x/sum"}], "steps": {"add": step}})


def test_a_module_of_wasm_is_built_first_if_it_is_missing_or_old(here: Running) -> None:
    runtime = {"type": "wasm", "module": "out.wasm", "build": "echo building >> log; cp ../empty out.wasm"}
    write_sum(here, runtime)
    (here.folder / "sum" / "empty").write_bytes(b"\0asm\1\0\0\0")
    here.write_script("sum/add", ECHO)
    assert build_modules(here.folder / "sum") == ["add"]
    (here.folder / "sum" / "add" / "log").unlink()
    assert build_modules(here.folder / "sum") == []
    module = here.folder / "sum" / "add" / "out.wasm"
    later = module.stat().st_mtime_ns + 1_000_000_000
    os.utime(here.folder / "sum" / "add" / "index.ts", ns=(later, later))
    assert build_modules(here.folder / "sum") == ["add"]


def test_a_build_that_fails_shows_what_it_said(here: Running) -> None:
    runtime = {"type": "wasm", "module": "out.wasm", "build": "echo no such compiler; exit 3"}
    write_sum(here, runtime)
    here.write_script("sum/add", ECHO)
    said = here.run()
    assert said.code == 1
    assert "no such compiler" in said.err
    assert "building step add failed (exit code 3)" in said.err


def test_a_build_that_says_much_keeps_its_end_and_waits_for_no_daemon(here: Running) -> None:
    daemon = "setsid sleep 300 & echo $! > daemon"
    runtime = {"type": "wasm", "module": "out.wasm", "build": f"{daemon}; seq 100000; exit 3"}
    write_sum(here, runtime)
    here.write_script("sum/add", ECHO)
    try:
        said = here.run()
    finally:
        os.kill(int((here.folder / "sum/add/daemon").read_text()), signal.SIGKILL)
    assert said.code == 1
    assert "  100000\n" in said.err
    assert "  99800\n" not in said.err


def test_a_build_is_shown_while_it_runs_and_ends_with_the_command(here: Running) -> None:
    runtime = {"type": "wasm", "module": "out.wasm", "build": "sleep 300 & echo chi''ld $!; wait"}
    write_sum(here, runtime)
    here.write_script("sum/add", ECHO)
    terminal = Terminal(["run", "sum"], here.env, columns=120)
    terminal.wait_for("child ")
    children = psutil.Process(terminal.process.pid).children(recursive=True)
    assert "sleep" in {child.name() for child in children}
    os.kill(terminal.process.pid, signal.SIGTERM)
    assert terminal.end() == 143
    assert not any(child.is_running() and child.status() != psutil.STATUS_ZOMBIE for child in children)


def test_the_newest_events_of_the_server_are_replayed_the_oldest_first(here: Running, server: WholeServer) -> None:
    here.write("mail", ECHO, {"triggers": [{"event": "replay/mail"}]})
    here.env["INNGEST_API_URL"] = server.url
    ids = []
    for number in range(3):
        ids += server.send([{"name": "replay/mail", "data": {"number": number}}])
    said = here.run("--replay", "--count", "2", "--snapshot")
    assert said.code == 0, said
    assert [json.loads(line)["data"]["number"] for line in said.out.splitlines()] == [1, 2]
    one = json.loads(here.run("--event-id", ids[0], "--snapshot").out)
    assert (one["name"], one["data"]) == ("replay/mail", {"number": 0})
    here.write("mail", ECHO, {"triggers": [{"event": "replay/other"}]})
    assert "has no event replay/other" in here.run("--replay").err
    assert "not triggered by replay/mail" in here.run("--event-id", ids[0]).err
