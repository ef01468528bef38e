"""Sending events and watching them come, on a real server."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.cli.servers import Asked, CloudServer, Reply, WholeServer, answering, as_json
from tests.cli.terminal import Terminal, run
from tests.waiting import wait_for

Environment = dict[str, str]
pytestmark = pytest.mark.timeout(240)
OURS = {"x-inngest-server-kind": "dev"}


def _event(server: WholeServer, internal_id: str) -> dict[str, Any]:
    event: dict[str, Any] = server.ask(f"/v1/events/{internal_id}")["data"]
    return event


def test_an_event_is_sent_and_its_id_printed(dev: Environment, server: WholeServer) -> None:
    arguments = ["--data", '{"id": 42}', "--user", '{"external_id": "u"}', "--id", "cli-1", "--ts", "1700000000000"]
    said = run(["events", "send", "shop/sold", *arguments], dev)
    assert said.err == f"1 event accepted by {server.url}\n"
    event = _event(server, said.out.strip())
    assert (event["name"], event["data"], event["user"]) == ("shop/sold", {"id": 42}, {"external_id": "u"})
    assert (event["id"], event["ts"]) == ("cli-1", 1_700_000_000_000)


def test_data_comes_from_a_file_or_from_stdin_as_it_is_written(
    dev: Environment, server: WholeServer, tmp_path: Path
) -> None:
    content = '{"large": 123456789012345678901234567890, "nul": "\\u0000"}'
    (tmp_path / "data.json").write_text(content)
    for option, stdin in ((f"@{tmp_path / 'data.json'}", ""), ("-", content)):
        said = run(["events", "send", "shop/sold", "--data", option, "--json"], dev, stdin)
        [internal_id] = json.loads(said.out)["ids"]
        assert _event(server, internal_id)["data"] == {"large": 123456789012345678901234567890, "nul": "\0"}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("array.json", '[\n{"name": "a/b", "data": {"n": 0}},\n{"name": "a/b", "data": {"n": 1}}]'),
        ("lines.ndjson", '\n{"name": "a/b", "data": {"n": 0}}\n\n{"name": "a/b", "data": {"n": 1}}\n'),
        ("one.json", '{\n"name": "a/b",\n"data": {"n": 0}\n}'),
        ("mark.json", '\ufeff{"name": "a/b", "data": {"n": 0}}'),
    ],
)
def test_a_file_of_events(dev: Environment, server: WholeServer, tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / name).write_text(content)
    for said in (
        run(["events", "send", "--file", str(tmp_path / name)], dev),
        run(["events", "send", "--file", "-"], dev, content),
    ):
        assert said.code == 0, said.err
        assert [_event(server, one)["data"]["n"] for one in said.out.split()] == list(range(content.count("a/b")))


def test_many_events_go_in_batches(dev: Environment, server: WholeServer, tmp_path: Path) -> None:
    lines = "".join(f'{{"name": "bulk/many", "data": {{"n": {number}}}}}\n' for number in range(2_500))
    said = run(["events", "send", "--file", "-"], dev, lines)
    assert len(set(said.out.split())) == 2_500
    assert said.err == f"2500 events accepted by {server.url}\n"
    assert _event(server, said.out.split()[-1])["data"] == {"n": 2_499}


def test_what_was_accepted_is_said_when_a_later_batch_fails(dev: Environment) -> None:
    lines = '{"name": "bulk/some"}\n' * 1_500 + '{"noname": 1}\n'
    said = run(["events", "send", "--file", "-"], dev, lines)
    assert said.code == 1
    assert len(said.out.split()) == 1_000
    first, second = said.err.splitlines()[:2]
    assert first.startswith("error: of the batch that begins with event 1001")
    assert 'event 500: "name" is missing' in first
    assert second == "  the first 1000 events were accepted; send those after them again"
    as_json = run(["events", "send", "--file", "-", "--json"], dev, lines)
    assert len(json.loads(as_json.out)["ids"]) == 1_000


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["a/b", "--data", "{"], "--data is no JSON"),
        (["a/b", "--data", ""], "--data must be a JSON object"),
        (["a/b", "--data", "[1]"], "--data must be a JSON object"),
        (["a/b", "--data", "@nowhere.json"], "nowhere.json cannot be read"),
        (["inngest/own"], "inngest/"),
        (["--file", "nowhere.json"], "nowhere.json cannot be read"),
    ],
)
def test_what_cannot_be_sent_is_named(dev: Environment, arguments: list[str], says: str) -> None:
    said = run(["events", "send", *arguments], dev)
    assert (said.code, said.out) == (1, "")
    assert said.err.startswith("error: ")
    assert says in said.err


@pytest.mark.parametrize(
    ("content", "says"), [("[{}, 1]", "event 2 is no event"), ('{"name": "a/b"}\n{', "line 2 is no JSON")]
)
def test_the_place_of_a_fault_in_a_file_is_named(dev: Environment, content: str, says: str) -> None:
    said = run(["events", "send", "--file", "-"], dev, content)
    assert said.code == 1
    assert f"stdin, {says}" in said.err


@pytest.mark.parametrize(
    "arguments", [[], ["a/b", "--file", "x"], ["--file", "x", "--data", "{}"], ["a/b", "--ts", "soon"]]
)
def test_options_that_do_not_fit_together(dev: Environment, arguments: list[str]) -> None:
    assert run(["events", "send", *arguments], dev).code == 2


def test_outside_dev_mode_an_event_key_is_needed(person: Environment, cloud: CloudServer) -> None:
    env = person | {"INNGEST_API_URL": cloud.url}
    said = run(["events", "send", "a/b"], env)
    assert "with an event key only" in said.err
    assert "INNGEST_EVENT_KEY" in said.err
    wrong = run(["events", "send", "a/b", "--key", "evt_wrong"], env)
    assert "Event key not found" in wrong.err
    key = cloud.keys("create-event-key", "shop", "cli")
    # The web process looks for new keys every second or two.
    wait_for(lambda: run(["events", "send", "a/b"], env | {"INNGEST_EVENT_KEY": key}).code == 0, "the key is known")


def test_an_environment_cannot_be_named_where_the_key_decides(person: Environment) -> None:
    def answer(asked: Asked) -> Reply:
        return as_json({"kind": "cloud"} if asked.path == "/" else {"ids": ["0" * 26], "status": 200})

    key = {"INNGEST_EVENT_KEY": "of-production"}
    with answering(answer) as server:
        env = person | {"INNGEST_API_URL": server.url}
        for arguments in (["--env", "staging"], ["--env", "staging", "--key", "k"], ["--env", "branch/next"]):
            said = run(["events", "send", "a/b", *arguments], env | key)
            assert (said.code, said.out) == (1, "")
            assert "a key of" in said.err
        assert {asked.path for asked in server.asked} == {"/"}
        said = run(["events", "send", "a/b", "--env", "branch/next", "--key", "k"], env | key)
        assert said.code == 0, said.err
        assert (server.asked[-1].path, server.asked[-1].headers["x-inngest-env"]) == ("/e/k", "next")


def test_on_a_dev_server_the_environment_is_checked(dev: Environment, server: WholeServer) -> None:
    assert run(["events", "send", "a/b", "--env", "dev"], dev).code == 0
    said = run(["events", "send", "a/b", "--env", "staging"], dev | {"INNGEST_EVENT_KEY": "any"})
    assert (said.code, said.out) == (1, "")
    assert "whose one environment is dev" in said.err


def test_a_batch_that_may_have_arrived_is_sent_again_with_its_seed(person: Environment) -> None:
    answers = iter([Reply(503, b'{"error": "full", "status": 503}', OURS), as_json({"ids": ["0" * 26], "status": 200})])
    with answering(lambda _: next(answers)) as server:
        said = run(["events", "send", "a/b", "--key", "k"], person | {"INNGEST_API_URL": server.url})
        seeds = {asked.headers["x-inngest-event-id-seed"] for asked in server.asked}
    assert said.code == 0, said.err
    assert len(server.asked) == 2
    assert len(seeds) == 1


def test_new_events_are_printed_as_they_come(dev: Environment, server: WholeServer) -> None:
    run(["events", "send", "tail/before"], dev)
    terminal = Terminal(["events", "tail"], dev)
    terminal.wait_for("Waiting for events")
    ids = run(["events", "send", "tail/now", "--data", '{"x": "\\u001b[2J\\u009b2J"}'], dev).out.split()
    terminal.wait_for(ids[0])
    terminal.wait_for("\n")
    terminal.interrupt()
    assert terminal.end() == 0
    assert "tail/before" not in terminal.text
    assert re.search(r"\d\d:\d\d:\d\d  tail/now  " + ids[0], terminal.text)
    assert b"\x1b[2J" not in terminal.raw
    assert b"\x9b2J" not in terminal.raw
    assert "Traceback" not in terminal.text


def test_with_their_runs_and_how_those_end(dev: Environment, server: WholeServer) -> None:
    terminal = Terminal(["events", "tail", "test/one", "--runs"], dev, columns=120)
    terminal.wait_for("Waiting for events test/one")
    terminal.wait_for("Runs are shown of the last 20 events, for 60 s each")
    run(["events", "send", "test/other"], dev)
    server.post("one")
    terminal.wait_for("Completed")
    terminal.wait_for("\n")
    terminal.interrupt()
    assert terminal.end() == 0
    assert re.search(r"└ one  [0-9A-Z]{26}  Completed  \S+", terminal.text)
    assert "test/other" not in terminal.text


def test_as_json_each_event_is_a_line(dev: Environment, server: WholeServer, tmp_path: Path) -> None:
    terminal = Terminal(["events", "tail", "tail/json", "--json"], dev, columns=200)
    terminal.wait_for("Waiting for events")
    for number in range(3):
        run(["events", "send", "tail/json", "--data", f'{{"n": {number}}}'], dev)
    terminal.wait_for('"n":2')
    terminal.interrupt()
    assert terminal.end() == 0
    lines = [line for line in terminal.raw.decode().splitlines() if line.startswith("{")]
    assert [json.loads(line)["data"]["n"] for line in lines[:2]] == [0, 1]


def test_a_server_that_is_away_for_a_while_is_waited_for(person: Environment) -> None:
    event = {"internal_id": "0" * 26, "received_at": "2026-01-01T00:00:00Z", "duplicate": False, "name": "a/b"}
    asked: list[Asked] = []

    def answer(request: Asked) -> Reply | None:
        asked.append(request)
        if len(asked) in {3, 4}:
            return None
        data = [event] if len(asked) > 4 else []
        now = {"fetched_at": "2026-01-01T00:00:01Z"}
        return as_json({"data": data, "page": {"next_cursor": None}, "metadata": now})

    with answering(answer) as server:
        terminal = Terminal(["events", "tail"], person | {"INNGEST_API_URL": server.url})
        terminal.wait_for("trying again")
        terminal.wait_for("a/b")
        terminal.wait_for("nothing was missed")
        terminal.interrupt()
        assert terminal.end() == 0
    assert terminal.text.count("a/b") == 1
