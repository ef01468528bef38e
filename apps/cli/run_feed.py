"""Runs as they start, and as what they do changes: each change once, however the pages fall."""

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from apps.cli.client import Client
from apps.cli.printing import as_time

OVERLAP = timedelta(seconds=10)
"""A run that is committed late stands this much further back at most than one that has been seen before it."""
PAGE = 100
LOOKED_AT = 300
"""Runs that go on and are asked for in one round; of more, those first that have not been for longest."""
MOST_OPEN = 10_000
"""Runs that go on and are followed; beyond it the oldest are let go."""

Run = dict[str, Any]


class RunFeed:
    """Knows what it has told of the runs of the last seconds, and of those that go on; of nothing older."""

    def __init__(self, client: Client, function: str | None) -> None:
        self._client = client
        self._function = function
        self._told: dict[str, tuple[str, datetime]] = {}
        """By run, what was told of it last, and when it was queued."""
        self._open: OrderedDict[str, None] = OrderedDict()
        """Those that go on; the one that was looked at last is the last."""
        self._front = datetime.min.replace(tzinfo=UTC) + OVERLAP
        """All that was queued before it, but for the overlap, has been seen."""
        self.let_go = 0
        """Runs that went on and are followed no more."""

    def start(self) -> None:
        """What is there now is not new; what goes on of it is followed."""
        answer = self._page(None)
        if answer["data"]:
            self._front = as_time(answer["data"][0]["queued_at"])
        for run in answer["data"]:
            self._learn(run)
        cursor = answer["page"]["next_cursor"]
        while cursor and as_time(answer["data"][-1]["queued_at"]) >= self._front - OVERLAP:
            answer = self._page(cursor)
            for run in answer["data"]:
                self._learn(run)
            cursor = answer["page"]["next_cursor"]

    def changes(self) -> Iterator[Run]:
        """Runs that are new, or that do something else than when they were last told; new ones the oldest first."""
        new = self._new()
        asked = list(self._open)[:LOOKED_AT]
        for run in reversed(new):
            if self._learn(run):
                yield run
        self._front = max([self._front, *(as_time(run["queued_at"]) for run in new)])
        yield from self._changed([run_id for run_id in asked if run_id in self._open])
        self._forget()

    def _new(self) -> list[Run]:
        """The newest runs down to what has been seen, the newest first. Nothing is learned before all are there."""
        found: list[Run] = []
        cursor: str | None = None
        while True:
            answer = self._page(cursor)
            found += answer["data"]
            cursor = answer["page"]["next_cursor"]
            if cursor is None or (found and as_time(found[-1]["queued_at"]) < self._front - OVERLAP):
                break
        return [run for run in found if as_time(run["queued_at"]) >= self._front - OVERLAP]

    def _changed(self, run_ids: list[str]) -> Iterator[Run]:
        for start in range(0, len(run_ids), PAGE):
            piece = run_ids[start : start + PAGE]
            answers = {run["run_id"]: run for run in self._client.get("/v1/runs", run_id=piece)["data"]}
            for run_id in piece:
                if run_id not in answers:  # deleted, its retention over
                    self._open.pop(run_id, None)
                elif self._learn(answers[run_id]):
                    yield answers[run_id]

    def _learn(self, run: Mapping[str, Any]) -> bool:
        """Whether there is something to tell of it."""
        run_id, status = str(run["run_id"]), str(run["phase"] or run["status"])
        before, _ = self._told.get(run_id, (None, None))
        if before is not None and run_id not in self._open:
            return False  # it has ended: an older answer must not open it again
        if before is not None and status == "Queued":
            status = before  # between two steps, for a moment: that is no news
        self._told[run_id] = status, as_time(run["queued_at"])
        if run["ended_at"] is None:
            self._open[run_id] = None
            self._open.move_to_end(run_id)
        else:
            self._open.pop(run_id, None)
        return before != status

    def _forget(self) -> None:
        while len(self._open) > MOST_OPEN:
            self._open.pop(min(self._open))
            self.let_go += 1
        self._told = {
            run_id: told
            for run_id, told in self._told.items()
            if run_id in self._open or told[1] >= self._front - OVERLAP
        }

    def _page(self, cursor: str | None) -> Any:
        return self._client.get("/v1/runs", function_id=self._function, limit=PAGE, cursor=cursor)
