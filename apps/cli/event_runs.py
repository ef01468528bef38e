"""What the last events started: each run once when it is there, and once more for whatever it comes to."""

import time
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from typing import Any

from apps.cli.client import Client, Refused

MOST_WATCHED = 20
"""Events whose runs are looked at, with one request each in a second; beyond it the oldest are let go."""
WATCH_SECONDS = 60.0
_SETTLED_SECONDS = 5.0
"""After which an event that has started nothing, or only runs that have ended, will start nothing more."""


class _Watched:
    def __init__(self) -> None:
        self.since = time.monotonic()
        self.shown: dict[str, str] = {}
        """Runs by id, with the status that was told."""
        self.is_open = True


class EventRuns:
    bounds = (
        f"Runs are shown of the last {MOST_WATCHED} events, for {WATCH_SECONDS:.0f} s each;"
        " inngest runs has all of them."
    )

    def __init__(self, client: Client) -> None:
        self._client = client
        self._events: OrderedDict[str, _Watched] = OrderedDict()

    def add(self, event: Mapping[str, Any]) -> None:
        if event["duplicate"]:
            return
        self._events.setdefault(event["internal_id"], _Watched())
        while len(self._events) > MOST_WATCHED:
            self._events.popitem(last=False)

    def changes(self) -> Iterator[dict[str, Any]]:
        """Runs that are new, or whose status is."""
        for event_id, watched in list(self._events.items()):
            yield from self._changed(event_id, watched)
            age = time.monotonic() - watched.since
            if age > WATCH_SECONDS or (not watched.is_open and age > _SETTLED_SECONDS):
                self._events.pop(event_id, None)

    def _changed(self, event_id: str, watched: _Watched) -> Iterator[dict[str, Any]]:
        try:
            runs = self._client.get(f"/v1/events/{event_id}/runs")["data"]
        except Refused as refusal:
            if refusal.status != 404:
                raise
            runs = []
        watched.is_open = any(run["ended_at"] is None for run in runs)
        for run in reversed(runs):
            status = run["phase"] or run["status"]
            if watched.shown.get(run["run_id"]) != status:
                watched.shown[run["run_id"]] = status
                yield run
