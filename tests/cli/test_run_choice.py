"""What `inngest run` is to run, and what keeps it from running: no server is started for any of it."""

import json
import os
from pathlib import Path

import pytest

from apps.cli.wasm_builds import build_modules
from tests.cli.running import Running
from tests.cli.servers import WholeServer

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
    assert "data of event 1 must be a JSON object" in here.run("--event-file", "-", stdin='{"data": [1]}').err


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
