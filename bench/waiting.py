"""Runs that wait for an event: what it takes to resume one of a thousand, and one of a million."""

import json
import time
from statistics import quantiles

from apps.event_stream.ids import oldest_ulid
from apps.expressions import hash_values
from bench.failing import BenchFailed
from bench.functions import ANSWER, WAITING, event_of
from bench.measures import Rounds
from bench.options import Sizes
from bench.ours import Database
from bench.stage import Stage
from bench.watching import Watch, ask_app

_EVERY_SECONDS = 0.05
_PATIENCE_SECONDS = 30.0
_DAY_MS = 86_400_000

# As the server made the first one, but for what tells one run from another.
_KEYS = "CREATE TEMPORARY TABLE bench_key (n bigint PRIMARY KEY, key bigint NOT NULL)"
_EVENTS = """
INSERT INTO event_stream_event (seq, internal_id, environment_id, name, payload, received_at, duplicate)
SELECT -%(base)s - n, %(past)s || lpad(upper(to_hex(n)), 16, '0'), first.environment_id, event.name,
       replace(event.payload, '"n":0', '"n":' || n), now(), false
FROM bench_key, state_wait AS first JOIN state_run AS run ON run.id = first.run_id
     JOIN event_stream_event AS event ON event.seq = run.event_seq
WHERE first.id = %(first)s
"""
_RUNS = """
INSERT INTO state_run (id, environment_id, function_id, version_id, event_seq, status, queued_at)
SELECT %(past)s || lpad(upper(to_hex(n)), 16, '0'), run.environment_id, run.function_id, run.version_id,
       -%(base)s - n, run.status, now()
FROM bench_key, state_wait AS first JOIN state_run AS run ON run.id = first.run_id WHERE first.id = %(first)s
"""
_WAITS = """
INSERT INTO state_wait (run_id, environment_id, function_id, kind, sources, event_name, match, paths, key, since_seq,
                        opened_at, expires_at, branches, status)
SELECT %(past)s || lpad(upper(to_hex(n)), 16, '0'), environment_id, function_id, kind, sources, event_name, match,
       paths, bench_key.key, -%(base)s - n, now(), expires_at, branches, status
FROM bench_key, state_wait AS first WHERE first.id = %(first)s
"""


def resumed(stage: Stage, sizes: Sizes, database: Database) -> Rounds:
    """p50 and p99 in ms, from just before the POST to the next step's request: first few waits, then many."""
    rounds: Rounds = {}
    first = _open_one(stage, database)
    n = 0
    for name, waits in (("few", sizes.few_waits), ("many", sizes.many_waits)):
        _open(database, first, n + 1, waits)
        for turn in range(sizes.rounds):
            p50, p99 = _latencies(stage, sizes, database, n + 1)
            n += sizes.latency_events
            print(f"  round {turn + 1} of {sizes.rounds}: one of {waits:,} waits  p50 {p50:.1f}  p99 {p99:.1f}")
            rounds.setdefault(f"{name}_waits_p50", []).append(p50)
            rounds.setdefault(f"{name}_waits_p99", []).append(p99)
        n += waits
    return rounds


def _open_one(stage: Stage, database: Database) -> int:
    """Have the server open a wait, for the others to be made like it; its id."""
    stage.ask("bench.load", "--port", stage.port, "--event", event_of(WAITING), "--count", 1, "--every", 0.01)
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < deadline:
        row = database.execute("SELECT id, paths, key FROM state_wait WHERE status = 'open'").fetchone()
        if row is not None:
            if row[2] != hash_values([0]):
                raise BenchFailed(f"the wait's key is not that of 0: {row}")
            return int(row[0])
        time.sleep(0.05)
    raise BenchFailed("no wait was opened")


def _open(database: Database, first: int, start: int, count: int) -> None:
    """Insert runs that wait for the numbers from `start` on."""
    began = time.monotonic()
    arguments = {"first": first, "base": 10_000_000, "past": oldest_ulid(int(time.time() * 1_000) - _DAY_MS)[:10]}
    database.execute(_KEYS)
    with database.cursor().copy("COPY bench_key FROM STDIN") as copy:
        for n in range(start, start + count):
            copy.write_row((n, hash_values([n])))
    for statement in (_EVENTS, _RUNS, _WAITS):
        database.execute(statement, arguments)
    database.execute("DROP TABLE bench_key")
    for table in ("event_stream_event", "state_run", "state_wait"):
        database.execute(f"VACUUM (ANALYZE) {table}")
    database.execute("CHECKPOINT")
    print(f"  {count:,} runs that wait, inserted in {time.monotonic() - began:.0f} s")


def _latencies(stage: Stage, sizes: Sizes, database: Database, start: int) -> tuple[float, float]:
    watch = Watch(stage, database)
    count = sizes.latency_events
    arguments = ("--port", stage.port, "--event", ANSWER, "--count", count, "--start", start)
    sent = json.loads(stage.ask("bench.load", *arguments, "--every", _EVERY_SECONDS))["sent"]
    watch.wait_calls(count)
    watch.check(count, {}, calls=count)
    arrived = json.loads(ask_app(stage, "arrivals"))
    took = [(arrived[str(start + place)] - at) / 1e6 for place, at in enumerate(sent)]
    percentiles = quantiles(took, n=100, method="inclusive")
    return percentiles[49], percentiles[98]
