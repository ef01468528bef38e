"""Tables on terminals of any width: nothing is lost without a mark, and what matters least is cut first."""

import pytest

from apps.cli.tables import fitted
from tests.cli.servers import Asked, Reply, answering, as_json
from tests.cli.terminal import on_screen

NOW = "2026-01-01T00:01:00Z"
FUNCTIONS = [
    {"id": "user-onboarding-notify", "triggers": [{"event": "user/signed.up", "expression": "event.data.id > 300"}]},
    {"id": "weekly-summary", "triggers": [{"cron": "TZ=Europe/Paris 0 9 * * 1"}]},
]
RUNS = [
    {"run_id": "01KG9Q1ZM3E8H4J6K2P9R7S5TB", "function_id": "user-onboarding-notify", "status": "Completed"},
    {"run_id": "01KG9Q1ZM3E8H4J6K2P9R7S5TC", "function_id": "weekly-summary", "status": "Cancelled"},
]


def _answer(asked: Asked) -> Reply:
    of_function: dict[str, object] = {
        "version": 12,
        "archived": False,
        "app": None,
        "live_since": "2020-01-01T00:00:00Z",
    }
    of_run: dict[str, object] = {"phase": None, "output": None, "queued_at": "2026-01-01T00:00:00Z", "ended_at": NOW}
    rows = [of_function | one for one in FUNCTIONS] if "functions" in asked.path else [of_run | one for one in RUNS]
    return as_json({"data": rows, "page": {"next_cursor": None}, "metadata": {"fetched_at": NOW}})


@pytest.mark.parametrize("columns", [60, 80])
def test_what_does_not_fit_is_cut_with_a_mark_and_the_last_columns_stay(person: dict[str, str], columns: int) -> None:
    with answering(_answer) as server:
        env = person | {"INNGEST_API_URL": server.url}
        functions = on_screen(["functions"], env, columns).lines
        runs = on_screen(["runs"], env, columns).lines
    assert [len(functions), len(runs)] == [4, 4]
    assert all(len(line) <= columns for line in (*functions, *runs))
    assert functions[0].split() == ["FUNCTION", "VERSION", "TRIGGERS", "SINCE"]
    assert all(line.endswith("  2020-01-01") for line in functions[2:])
    assert "…" in functions[2]
    assert functions[2].startswith("user-onboarding-notify  v12      user/")
    assert runs[0].split()[-2:] == ["QUEUED", "TOOK"]
    assert all(line.startswith(run["run_id"]) for run, line in zip(RUNS, runs[2:], strict=True))
    assert all(line.endswith("  1m ago  1m 00s") for line in runs[2:])


def test_the_widest_gives_first_and_those_that_need_not_give_last() -> None:
    assert fitted([26, 9, 22], [False, False, True], 57) == [26, 9, 22]
    assert fitted([26, 9, 22], [False, False, True], 45) == [26, 9, 10]
    assert fitted([20, 30, 5], [True, True, False], 35) == [15, 15, 5]
    assert fitted([26, 9, 22], [False, False, True], 30) == [17, 9, 4]
    assert fitted([26, 9, 22], [False, False, True], 1) == [4, 4, 4]
