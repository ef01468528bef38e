"""The feed of new events: each receipt once, in its order, whatever the pages, the clock and late commits do."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from apps.cli import event_feed
from apps.cli.client import Client
from apps.cli.event_feed import EventFeed
from apps.cli.servers import Server

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


class Stream(Client):
    """Events as the server lists them: by number, with pages that may be short or empty."""

    def __init__(self, seed: int = 0) -> None:
        super().__init__(Server("http://x"))
        self.stored: list[tuple[int, datetime, str, bool]] = []
        self.number = 0
        self.requests = 0
        self.clock = BEGIN
        self.since: datetime | None = None
        self.random = random.Random(seed)

    def add(self, moment: datetime, internal_id: str | None = None, duplicate: bool = False) -> str:
        self.number += 1
        name = internal_id or f"{self.number:05}"
        self.stored.append((self.number, moment, name, duplicate))
        self.clock = max(self.clock, moment)
        return name

    def get(self, path: str, **params: Any) -> Any:
        self.requests += 1
        after, before = params["received_after"], params["received_before"]
        self.since = datetime.fromisoformat(after) if after else None
        top = int(params["cursor"] or 10**9)
        below = sorted((row for row in self.stored if row[0] < top), reverse=True)
        # The server looks at so many rows, and gives those that fit.
        looked = below[: self.random.randint(1, params["limit"])]
        fitting = [
            row
            for row in looked
            if (after is None or row[1] >= datetime.fromisoformat(after))
            and (before is None or row[1] < datetime.fromisoformat(before))
        ]
        data = [
            {"internal_id": name, "received_at": moment.isoformat(), "duplicate": duplicate, "n": number}
            for number, moment, name, duplicate in fitting
        ]
        cursor = str(looked[-1][0]) if len(looked) < len(below) else None
        return {"data": data, "page": {"next_cursor": cursor}, "metadata": {"fetched_at": self.clock.isoformat()}}


def _ids(feed: EventFeed) -> list[str]:
    return [event["internal_id"] for event in feed.new()]


def test_what_was_there_is_not_new() -> None:
    stream = Stream()
    for number in range(50):
        stream.add(BEGIN + timedelta(seconds=number))
    feed = EventFeed(stream, None)
    feed.start()
    assert _ids(feed) == []


def test_the_first_event_of_all_is_new() -> None:
    stream = Stream()
    feed = EventFeed(stream, None)
    feed.start()
    assert _ids(feed) == []
    stream.add(BEGIN)
    assert _ids(feed) == ["00001"]
    assert _ids(feed) == []


def test_what_is_old_stays_old_where_the_first_page_is_empty() -> None:
    """The server has looked at so many rows of others that it gives a cursor alone."""

    class OfOthers(Stream):
        def get(self, path: str, **params: Any) -> Any:
            answer = super().get(path, **params)
            return answer | {"data": [], "page": {"next_cursor": "1000"}} if params["limit"] == 1 else answer

    stream = OfOthers()
    stream.add(BEGIN)
    stream.clock = BEGIN + timedelta(days=1)
    feed = EventFeed(stream, None)
    feed.start()
    assert _ids(feed) == []
    stream.add(stream.clock)
    assert _ids(feed) == ["00002"]


def test_a_quiet_hour_does_not_make_the_next_look_longer() -> None:
    stream = Stream()
    stream.add(BEGIN)
    feed = EventFeed(stream, None)
    feed.start()
    stream.clock = BEGIN + timedelta(hours=1)
    assert _ids(feed) == []
    _ids(feed)
    assert stream.since == stream.clock - timedelta(seconds=70)


def test_an_event_that_is_committed_late_is_not_missed() -> None:
    stream = Stream()
    feed = EventFeed(stream, None)
    feed.start()
    stream.add(BEGIN + timedelta(seconds=9))
    assert _ids(feed) == ["00001"]
    stream.add(BEGIN + timedelta(seconds=1))
    assert _ids(feed) == ["00002"]


def test_receipts_of_one_id_in_one_commit_are_told_apart() -> None:
    stream = Stream()
    feed = EventFeed(stream, None)
    feed.start()
    stream.add(BEGIN, "same")
    stream.add(BEGIN, "same", duplicate=True)
    stream.add(BEGIN, "same", duplicate=True)
    assert _ids(feed) == ["same"] * 3
    stream.add(BEGIN, "same", duplicate=True)
    assert _ids(feed) == ["same"]


@pytest.mark.parametrize("seed", range(20))
def test_nothing_is_skipped_or_doubled(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many come at once, with little that is held."""
    monkeypatch.setattr(event_feed, "MOST_HELD", 7)
    stream = Stream(seed)
    chance = random.Random(seed)
    feed = EventFeed(stream, None)
    feed.start()
    added: list[str] = []
    got: list[str] = []
    now = BEGIN
    for _ in range(30):
        for _ in range(chance.choice([0, 1, 3, 40])):
            now += timedelta(milliseconds=chance.choice([0, 0, 5, 300]))
            late = timedelta(milliseconds=chance.choice([0, 0, 700]))
            added.append(stream.add(now - late))
        got += _ids(feed)
    assert sorted(got) == added


def test_only_the_last_seconds_are_remembered() -> None:
    stream = Stream()
    feed = EventFeed(stream, None)
    feed.start()
    for number in range(300):
        stream.add(BEGIN + timedelta(seconds=number))
        assert len(_ids(feed)) == 1
    assert len(feed._seen) <= event_feed.OVERLAP.total_seconds() + 1
