"""Looking at what runs: when nothing is left to do, and whether everything was done."""

import time
import urllib.request
from collections.abc import Mapping

import psycopg
from psycopg.rows import TupleRow

from bench.failing import BenchFailed
from bench.functions import STEPS
from bench.stage import Stage

_PATIENCE_SECONDS = 300.0

# Work moves from table to table within transactions, so one statement sees each piece of it somewhere.
_IDLE = """
SELECT NOT EXISTS (SELECT FROM event_stream_inbox)
   AND NOT EXISTS (SELECT FROM state_readyitem) AND NOT EXISTS (SELECT FROM state_leaseditem)
"""
_RUNS = """
SELECT function.slug, run.status, count(*) FROM state_run AS run
JOIN datastore_function AS function ON function.id = run.function_id WHERE run.event_seq > %s GROUP BY 1, 2
"""
_STEPS = """
SELECT count(*) FILTER (WHERE status = 'completed' AND attempts = 1), count(*) FROM state_step
WHERE run_id IN (SELECT id FROM state_run WHERE event_seq > %s)
"""
_LEFT = "SELECT (SELECT count(*) FROM state_scheduleditem), (SELECT count(*) FROM event_stream_parkedevent)"


class Watch:
    """One measure: what was there before it, the wait for its end, and the check that all of it was done."""

    def __init__(self, stage: Stage, database: psycopg.Connection[TupleRow]) -> None:
        self._stage = stage
        self._database = database
        self.wait_idle()
        self._last_event = self._read("SELECT coalesce(max(seq), 0) FROM event_stream_event")[0]
        self._left = self._read(_LEFT)
        self._calls = int(self._app("calls"))

    def wait_calls(self, calls: int) -> None:
        """Until the local app has been called so often since. It tells us: nothing is asked in a loop."""
        self._app(f"wait/{self._calls + calls}")

    def wait_idle(self, pause: float = 0.005) -> float:
        """Until nothing is left to do; the time of that, by CLOCK_MONOTONIC, no later than `pause` after it."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while not self._read(_IDLE)[0]:
            if time.monotonic() > deadline:
                raise BenchFailed(f"work is left after {_PATIENCE_SECONDS:.0f} s")
            time.sleep(pause)
        return time.monotonic()

    def check(self, events: int, runs: Mapping[str, int], calls: int = 0) -> None:
        """That so many events were stored and so many runs completed, every step at its first attempt, none twice."""
        self.wait_idle()
        self._stage.require_all_alive()
        stored = self._read("SELECT count(*) FROM event_stream_event WHERE seq > %s", self._last_event)[0]
        done = {(row[0], row[1]): row[2] for row in self._database.execute(_RUNS, (self._last_event,))}
        steps = sum(STEPS.get(function, 1) * count for function, count in runs.items())
        _require("events stored", stored, events)
        _require("runs", done, {(function, "completed"): count for function, count in runs.items()})
        _require("steps completed at once, and in all", self._read(_STEPS, self._last_event), (steps, steps))
        _require("items scheduled and events parked", self._read(_LEFT), self._left)
        _require("calls of the local app", int(self._app("calls")) - self._calls, calls)

    def check_due(self, runs: int, prefix: str) -> None:
        """That so many runs, whose ids begin so, were called once each and completed."""
        self._stage.require_all_alive()
        done = self._read(
            "SELECT count(*) FROM state_run WHERE id >= %s AND id < %s AND status = 'completed'", prefix, prefix + "~"
        )
        _require("runs completed", done[0], runs)
        _require("items scheduled and events parked", self._read(_LEFT), self._left)
        _require("calls of the local app", int(self._app("calls")) - self._calls, runs)

    def _read(self, statement: str, *arguments: object) -> TupleRow:
        row = self._database.execute(statement, arguments).fetchone()
        assert row is not None
        return row

    def _app(self, path: str) -> str:
        return ask_app(self._stage, path)


def ask_app(stage: Stage, path: str) -> str:
    """What the local app says."""
    with urllib.request.urlopen(f"http://127.0.0.1:{stage.app_port}/{path}", timeout=_PATIENCE_SECONDS) as answer:
        text: str = answer.read().decode()
    return text


def _require(what: str, found: object, wanted: object) -> None:
    if found != wanted:
        raise BenchFailed(f"{what}: {found}, and not {wanted}")
