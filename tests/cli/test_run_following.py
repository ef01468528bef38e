"""`inngest runs --follow`: runs as they come, on a real server, and through its absence."""

import json
import select
import signal
import subprocess

from tests.cli.servers import Asked, Reply, WholeServer, answering, as_json
from tests.cli.terminal import COMMAND, Terminal
from tests.waiting import wait_for

Environment = dict[str, str]


def test_runs_are_followed_to_their_end_until_ctrl_c(dev: Environment, server: WholeServer) -> None:
    terminal = Terminal(["runs", "--follow", "--function", "fails"], dev, columns=140)
    terminal.wait_for("Ctrl-C ends it.")
    event_id = server.send([{"name": "test/fails", "data": {}}])[0]
    run_id = server.wait_run(event_id, "Failed")
    terminal.wait_for("the bird has flown")
    terminal.interrupt()
    assert terminal.end() == 0
    mine = [line for line in terminal.lines if run_id in line]
    assert "Failed" in mine[-1]
    assert len({line.split()[2] for line in mine}) == len(mine)


def test_as_json_each_change_is_a_line_and_statuses_narrow_them(dev: Environment, server: WholeServer) -> None:
    arguments = ["runs", "-F", "--json", "--status", "failed"]
    following = subprocess.Popen([*COMMAND, *arguments], env=dev, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert following.stdout is not None
    with following:
        found: list[str] = []
        lines = following.stdout

        def is_told() -> bool:
            """Of a run that came before it had begun it tells nothing."""
            found.append(server.wait_run(server.send([{"name": "test/fails", "data": {}}])[0], "Failed"))
            return bool(select.select([lines], [], [], 1.5)[0])

        wait_for(is_told, "a run is told", 60.0)
        first = json.loads(following.stdout.readline())
        following.send_signal(signal.SIGINT)
        rest = [json.loads(line) for line in following.stdout]
    assert following.returncode == 0
    told = [run["run_id"] for run in [first, *rest]]
    assert {run["status"] for run in [first, *rest]} == {"Failed"}
    assert set(told) <= set(found)
    assert len(told) == len(set(told))


def test_a_server_that_is_away_for_a_while_is_waited_for(person: Environment) -> None:
    runs: list[dict[str, object]] = []
    away = [False]

    def answer(asked: Asked) -> Reply | None:
        if away[0]:
            away[0] = False
            runs.append(
                {
                    "run_id": "0" * 26,
                    "status": "Completed",
                    "phase": None,
                    "function_id": "meanwhile",
                    "queued_at": "2026-01-31T12:00:00Z",
                    "run_started_at": None,
                    "ended_at": "2026-01-31T12:00:01Z",
                    "output": {"ok": 1},
                }
            )
            return Reply(status=503, body=b'{"error": "restarting"}')
        fetched_at = "2026-01-31T12:00:01Z"
        return as_json({"data": runs, "page": {"next_cursor": None}, "metadata": {"fetched_at": fetched_at}})

    with answering(answer) as server:
        terminal = Terminal(["runs", "-F"], person | {"INNGEST_API_URL": server.url}, columns=120)
        terminal.wait_for("Ctrl-C ends it.")
        away[0] = True
        terminal.wait_for("trying again")
        terminal.wait_for("meanwhile")
        terminal.wait_for("nothing was missed")
        terminal.interrupt()
        assert terminal.end() == 0
    assert terminal.text.count("meanwhile") == 1
