"""The feed of runs: each is told when it is new and whenever what it does changes, once, whatever the pages do."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from apps.cli import run_feed
from apps.cli.client import Client
from apps.cli.run_feed import RunFeed
from apps.cli.servers import Server

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


class Runs(Client):
    """Runs as the server lists them: by id, with pages that may be short or empty."""

    def __init__(self, seed: int = 0) -> None:
        super().__init__(Server("http://x"))
        self.rows: dict[str, dict[str, Any]] = {}
        self.requests = 0
        self.random = random.Random(seed)

    def set(self, number: int, phase: str | None, status: str = "Running", queued_at: datetime | None = None) -> str:
        run_id = f"{number:05}"
        moment = (queued_at or BEGIN + timedelta(seconds=number)).isoformat()
        ended_at = None if phase else moment
        self.rows[run_id] = {
            "run_id": run_id, "status": status, "phase": phase, "queued_at": moment, "ended_at": ended_at
        }  # fmt: skip
        return run_id

    def get(self, path: str, **params: Any) -> Any:
        self.requests += 1
        if wanted := params.get("run_id"):
            assert len(wanted) <= 100
            data = [dict(self.rows[run_id]) for run_id in sorted(wanted, reverse=True) if run_id in self.rows]
            return {"data": data, "page": {"next_cursor": None}}
        below = sorted((one for one in self.rows if one < (params["cursor"] or "~")), reverse=True)
        looked = below[: self.random.randint(1, params["limit"])]
        data = [dict(self.rows[run_id]) for run_id in looked]
        if self.random.random() < 0.2 and len(looked) < len(below):
            data, looked = [], below[:0]
            return {"data": data, "page": {"next_cursor": params["cursor"] or "~"}}
        return {"data": data, "page": {"next_cursor": looked[-1] if len(looked) < len(below) else None}}


def told(feed: RunFeed) -> list[tuple[str, str]]:
    return [(run["run_id"], run["phase"] or run["status"]) for run in feed.changes()]


def test_what_is_there_at_the_start_is_told_only_when_it_changes() -> None:
    runs = Runs()
    runs.set(1, None, "Completed")
    open_run = runs.set(2, "Sleeping")
    feed = RunFeed(runs, None)
    feed.start()
    assert told(feed) == []
    runs.set(2, None, "Failed")
    assert told(feed) == [(open_run, "Failed")]
    assert told(feed) == []


def test_a_run_is_told_when_it_starts_and_with_each_change_but_not_between_two_steps() -> None:
    runs = Runs()
    feed = RunFeed(runs, None)
    feed.start()
    seen = []
    for phase in ("Queued", "Running", "Queued", "Running", "Waiting"):
        runs.set(1, phase)
        seen += [status for _, status in told(feed)]
    runs.set(1, None, "Completed")
    seen += [status for _, status in told(feed)]
    assert seen == ["Queued", "Running", "Waiting", "Completed"]


@pytest.mark.parametrize("seed", range(20))
def test_no_run_is_missed_or_told_twice_though_pages_are_short_and_commits_late(seed: int) -> None:
    choices = random.Random(seed)
    runs = Runs(seed)
    feed = RunFeed(runs, None)
    feed.start()
    seen: list[tuple[str, str]] = []
    late: list[int] = []
    number = 0
    for _ in range(30):
        for _ in range(choices.randint(0, 40)):
            number += 1
            if choices.random() < 0.1:
                late.append(number)
            else:
                runs.set(number, None, "Completed", BEGIN + timedelta(milliseconds=50 * number))
        seen += told(feed)
        for one in late:
            runs.set(one, None, "Completed", BEGIN + timedelta(milliseconds=50 * one))
        late = []
    seen += told(feed)
    assert sorted(seen) == [(f"{one:05}", "Completed") for one in range(1, number + 1)]


def test_many_open_runs_are_asked_for_in_turn_and_the_oldest_are_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_feed, "MOST_OPEN", 500)
    runs = Runs()
    feed = RunFeed(runs, None)
    feed.start()
    for number in range(600):
        runs.set(number, "Sleeping", queued_at=BEGIN)
    assert len(told(feed)) == 600
    assert feed.let_go == 100
    for number in range(600):
        runs.set(number, None, "Completed", BEGIN)
    before = runs.requests
    changed = told(feed)
    assert len(changed) >= 500
    assert runs.requests - before < 30
