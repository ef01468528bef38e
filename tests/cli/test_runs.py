"""Looking at runs and cancelling them, on a real server."""

import json
import re

import pytest

from tests.cli.servers import Asked, Reply, WholeServer, answering, as_json
from tests.cli.terminal import Terminal, on_screen, run

Environment = dict[str, str]
pytestmark = pytest.mark.timeout(240)


@pytest.fixture(scope="module")
def completed(server: WholeServer) -> str:
    return server.wait_run(server.post("chain")[0], "Completed")


@pytest.fixture(scope="module")
def failed(server: WholeServer) -> str:
    [event] = server.send([{"name": "test/fails", "data": {"bird": "robin"}}])
    return server.wait_run(event, "Failed")


@pytest.fixture
def waiting_run(server: WholeServer) -> str:
    [event] = server.send([{"name": "test/sequence", "data": {"n": 1}}])
    return server.wait_run(event, "Waiting")


def test_runs_are_listed_newest_first_with_their_status(dev: Environment, completed: str, failed: str) -> None:
    terminal = on_screen(["runs"], dev)
    rows = [line for line in terminal.lines if re.match("[0-9A-Z]{26} ", line)]
    # Among those of others: the server is the whole session's.
    ids = [row.split()[0] for row in rows]
    assert ids == sorted(ids, reverse=True)
    assert {completed, failed} <= set(ids)
    assert re.match(
        rf"{completed} +Completed +chain +(\S+ ago|now) +\S+", next(row for row in rows if completed in row)
    )
    assert terminal.colour_of("Completed") == "green"
    assert terminal.colour_of("Failed") == "red"
    assert max(map(len, terminal.lines)) <= 80
    assert "RESULT" not in terminal.text


def test_a_wide_terminal_shows_what_they_came_to(dev: Environment, completed: str, failed: str) -> None:
    terminal = on_screen(["runs"], dev, columns=200)
    assert '{"step":"third","call":1}' in terminal.text
    assert "the bird has flown" in terminal.text


def test_runs_are_chosen_by_status_and_function(dev: Environment, completed: str, failed: str) -> None:
    said = run(["runs", "--status", "failed", "--status", "Cancelled", "--function", "fails", "--json"], dev)
    assert [one["run_id"] for one in json.loads(said.out)] == [failed]
    assert said.err == ""
    assert run(["runs", "--status", "asleep"], dev).code == 2


def test_a_function_that_is_not_there_is_said(dev: Environment, server: WholeServer) -> None:
    said = run(["runs", "--function", "nothing"], dev)
    assert said.err == "error: There is no function nothing\n  inngest functions lists them\n"
    empty = run(["runs", "--function", "graph", "--status", "Failed"], dev)
    assert (empty.out, empty.code) == ("", 0)
    assert json.loads(run(["runs", "--function", "graph", "--status", "Failed", "--json"], dev).out) == []


def test_no_colour_and_no_cut_off_a_terminal(dev: Environment, failed: str) -> None:
    piped = run(["runs"], dev)
    assert "\x1b" not in piped.out
    assert "…" not in piped.out
    plain = on_screen(["runs"], dev | {"NO_COLOR": "1"})
    assert plain.colour_of("Failed") == "default"


def test_a_result_is_whole_off_a_terminal_and_no_line_is_padded(person: Environment) -> None:
    entry = {"phase": None, "status": "Completed", "queued_at": "2026-01-01T00:00:00Z", "ended_at": None}
    rows = [entry | {"run_id": "0" * 26, "function_id": "f", "output": "x" * 20_000}]
    rows += [entry | {"run_id": "1" * 26, "function_id": "longer", "output": None}]
    page = {"data": rows, "page": {"next_cursor": None}, "metadata": {"fetched_at": "2026-01-01T00:00:00Z"}}
    with answering(lambda _: as_json(page)) as server:
        said = run(["runs"], person | {"INNGEST_API_URL": server.url}).out.splitlines()
    assert len(said) == 3
    assert said[1].endswith("x" * 20_000 + '"')
    assert all(line == line.rstrip() for line in said)


def test_a_page_may_be_empty_and_have_a_next_one(person: Environment) -> None:
    def answer(asked: Asked) -> Reply:
        cursor = re.search("cursor=([^&]*)", asked.path)
        number = int(cursor[1]) if cursor else 0
        entry = {"run_id": f"{number:026}", "phase": "Running", "status": "Running", "function_id": "f", "output": None}
        data = [entry | {"queued_at": "2026-01-01T00:00:00Z", "ended_at": None}] if number % 2 else []
        page = {"next_cursor": str(number + 1)}
        return as_json({"data": data, "page": page, "metadata": {"fetched_at": "2026-01-01T00:00:01Z"}})

    with answering(answer) as server:
        said = run(["runs", "--limit", "3", "--json"], person | {"INNGEST_API_URL": server.url})
    assert [int(one["run_id"]) for one in json.loads(said.out)] == [1, 3, 5]
    assert [re.search("limit=(\\d+)", asked.path)[1] for asked in server.asked] == ["3", "3", "2", "2", "1", "1"]  # type: ignore[index]


def test_a_run_that_failed_tells_its_error_its_tries_and_its_log(dev: Environment, failed: str) -> None:
    terminal = on_screen(["run-info", failed], dev)
    text = terminal.text
    assert f"Run {failed}  ✗ Failed" in text
    assert "function    fails (version 1)" in text
    assert 'data        {"bird":"robin"}' in text
    assert re.search(r"✗ Look for the bird +Failed .* 2 tries", text)
    assert re.search(r"try 1 failed after \S+", text)
    assert "log    looking for the bird" in text
    assert "TypeError: the bird has flown" in text
    assert re.search(r"at run \(\S*index\.ts:\d+", text)
    assert "History" in text
    assert terminal.colour_of("TypeError") == "red"
    assert max(map(len, terminal.lines)) <= 80


def test_a_run_that_waits_tells_for_what(dev: Environment, waiting_run: str) -> None:
    text = on_screen(["run-info", waiting_run], dev).text
    assert f"Run {waiting_run}  ○ Waiting" in text
    assert re.search(r"· never +Skipped\n +why +after ask: `response == 'something else'` is not true", text)
    assert re.search(r"○ test/answer +Open, until \d{4}-", text)


def test_the_whole_run_as_json(dev: Environment, completed: str) -> None:
    said = run(["run-info", completed.lower(), "--json"], dev)
    told = json.loads(said.out)
    assert said.err == ""
    assert told["run_id"] == completed
    assert [step["id"] for step in told["steps"]] == ["first", "second", "third"]
    assert told["history"][0]["kind"] == "run.queued"


def test_no_step_steers_the_terminal(dev: Environment, server: WholeServer) -> None:
    [event] = server.send([{"name": "test/fails", "data": {"steer": True}}])
    failed = server.wait_run(event, "Failed")
    for command in (["run-info", failed], ["runs"]):
        terminal = on_screen(command, dev, columns=200)
        assert "[red]gone[/red]" in terminal.text
        assert b"\x1b[2J" not in terminal.raw
        assert b"\x07" not in terminal.raw


@pytest.mark.parametrize("output", ['"\\ud800"', "1e400000", "[" * 900 + "]" * 900, "123456789012345678901234567890"])
def test_outputs_that_parsers_trip_over_are_shown(person: Environment, output: str) -> None:
    entry = {"run_id": "0" * 26, "phase": None, "status": "Completed", "function_id": "f"}
    times = dict.fromkeys(("queued_at", "ended_at"), "2026-01-01T00:00:00Z")
    text = json.dumps({**entry, **times, "output": "OUTPUT"}).replace('"OUTPUT"', output)
    body = (
        f'{{"data": [{text}], "page": {{"next_cursor": null}}, "metadata": {{"fetched_at": "2026-01-01T00:00:00Z"}}}}'
    )
    with answering(lambda _: Reply(200, body.encode())) as server:
        env = person | {"INNGEST_API_URL": server.url}
        assert run(["runs"], env).code == 0
        said = run(["runs", "--json"], env)
    assert said.code == 0, said.err
    assert "run_id" in said.out
    assert "Infinity" not in said.out


@pytest.mark.parametrize("run_id", ["nonsense", "0" * 25, "8" + "0" * 25, "../../e/x"])
def test_what_is_no_runs_id_is_not_asked_for(dev: Environment, run_id: str) -> None:
    for command in (["run-info", run_id], ["cancel", run_id, "--yes"]):
        said = run(command, dev)
        assert (said.code, said.out) == (1, "")
        assert "is no id of a run" in said.err


def test_a_run_that_is_not_there(dev: Environment, server: WholeServer) -> None:
    said = run(["run-info", "0" * 26], dev)
    assert said.err.splitlines()[0] == f"error: there is no run {'0' * 26}"
    assert "inngest runs" in said.err


def test_cancelling_says_for_each_run_how_it_went(dev: Environment, completed: str, waiting_run: str) -> None:
    said = run(["cancel", waiting_run, completed, "0" * 26, "--yes"], dev)
    assert said.code == 1
    assert said.out == f"{waiting_run}  cancelled\n"
    assert f"error: Run {completed} has already ended: Completed" in said.err
    assert f"error: there is no run {'0' * 26}" in said.err
    again = run(["cancel", waiting_run, "--yes", "--json"], dev)
    assert again.code == 1
    [result] = json.loads(again.out)
    assert result["cancelled"] is False


def test_cancelling_asks_first(dev: Environment, waiting_run: str) -> None:
    assert run(["cancel", waiting_run], dev).code == 1
    terminal = Terminal(["cancel", waiting_run], dev)
    terminal.wait_for(f"Cancel run {waiting_run}?")
    terminal.type("n")
    assert terminal.end() == 1
    terminal = Terminal(["cancel", waiting_run], dev)
    terminal.wait_for("[y/N]")
    terminal.type("y")
    assert terminal.end() == 0
    assert "cancelled" in terminal.text


def test_ctrl_c_at_a_question_ends_it_without_a_word(person: Environment) -> None:
    terminal = Terminal(["cancel", "0" * 26], person)
    terminal.wait_for("[y/N]")
    terminal.interrupt()
    assert terminal.end() == 130
    assert terminal.lines[-1].removesuffix("^C").rstrip().endswith("[y/N]:")


def test_the_shell_completes_runs_and_functions(dev: Environment, failed: str) -> None:
    words = {"_INNGEST_COMPLETE": "complete_bash", "COMP_CWORD": "2"}
    assert failed in run([], dev | words | {"COMP_WORDS": "inngest run-info "}).out.split()
    found = run([], dev | words | {"COMP_WORDS": "inngest runs --function fa", "COMP_CWORD": "3"})
    assert found.out.split() == ["fails"]
