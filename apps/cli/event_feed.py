"""New events as they come: each receipt once, the oldest first, however the pages fall."""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from apps.cli.client import Client
from apps.cli.printing import as_time

OVERLAP = timedelta(seconds=10)
"""An event that is committed late stands this much further back at most than one that has been seen before it."""
PAGE = 100
MOST_HELD = 2_000
"""Events that are held at once. If more have come, they are read in several stretches of time."""
_SHORTEST = timedelta(milliseconds=1)
_DISORDER = timedelta(minutes=1)
"""Between the clocks of a server's machines, at most."""


class _Receipt(NamedTuple):
    """What one is known by. Those of one `id` share their internal id, and in one commit the time too."""

    internal_id: str
    received_at: str
    duplicate: bool


def _receipt(event: Mapping[str, Any]) -> _Receipt:
    return _Receipt(event["internal_id"], event["received_at"], event["duplicate"])


class _TooMany(Exception):
    def __init__(self, newest: datetime) -> None:
        super().__init__()
        self.newest = newest


class EventFeed:
    """Remembers the receipts of the last seconds, and nothing older."""

    def __init__(self, client: Client, name: str | None) -> None:
        self._client = client
        self._name = name
        self._front = datetime.min.replace(tzinfo=UTC) + OVERLAP
        """All that was received before it, but for the overlap, has been seen."""
        self._seen: Counter[_Receipt] = Counter()

    def start(self) -> None:
        """What is there now is not new."""
        answer = self._page(None, None, limit=1)
        self._front = _quiet_before(answer)
        if answer["data"]:
            self._front = max(self._front, as_time(answer["data"][0]["received_at"]))
        self._seen = Counter(map(_receipt, self._events(self._front - OVERLAP, None)))

    def new(self) -> Iterator[dict[str, Any]]:
        """All that has come since the last time."""
        until: datetime | None = None
        while True:
            try:
                events = self._take(until, MOST_HELD)
            except _TooMany as many:
                half = (many.newest - self._front) / 2
                until = self._front + half
                if half < _SHORTEST:
                    yield from self._take(many.newest + _SHORTEST, MOST_HELD**2)
                    until = None
                continue
            yield from events
            if until is None:
                return
            self._front = max(self._front, until)
            until = None

    def _take(self, until: datetime | None, most: int) -> list[dict[str, Any]]:
        """The unseen events before `until`. Raises _TooMany, and then has changed nothing."""
        present: Counter[_Receipt] = Counter()
        unseen: list[dict[str, Any]] = []
        front = quiet_before = self._front
        for number, page in enumerate(self._pages(front - OVERLAP, until)):
            if number == 0 and until is None:
                # Where little comes, the stretch that is looked at must not grow: the server may have much of others.
                quiet_before = _quiet_before(page)
            for event in page["data"]:
                receipt = _receipt(event)
                present[receipt] += 1
                if present[receipt] > self._seen[receipt]:
                    unseen.append(event)
                    front = max(front, as_time(event["received_at"]))
                    if len(unseen) > most:
                        raise _TooMany(front)
        unseen.reverse()
        front = max(front, quiet_before)
        self._front = front
        self._seen = Counter(
            {
                receipt: count
                for receipt, count in (self._seen | present).items()
                if as_time(receipt.received_at) >= front - OVERLAP
            }
        )
        return unseen

    def _events(self, since: datetime, until: datetime | None) -> Iterator[dict[str, Any]]:
        for page in self._pages(since, until):
            yield from page["data"]

    def _pages(self, since: datetime, until: datetime | None) -> Iterator[Any]:
        cursor: str | None = None
        while True:
            page = self._page(since, until, cursor=cursor)
            yield page
            cursor = page["page"]["next_cursor"]
            if cursor is None:
                return

    def _page(
        self, since: datetime | None, until: datetime | None, cursor: str | None = None, limit: int = PAGE
    ) -> Any:
        return self._client.get(
            "/v1/events",
            name=self._name,
            received_after=since.isoformat() if since else None,
            received_before=until.isoformat() if until else None,
            limit=limit,
            cursor=cursor,
        )


def _quiet_before(page: Mapping[str, Any]) -> datetime:
    """A time so far back that nothing can come any more from before it, by any clock of the server."""
    return as_time(page["metadata"]["fetched_at"]) - _DISORDER
