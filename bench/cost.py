"""What a one-step run costs, piece by piece: it tells where the time goes, on a busy machine too."""

import time

import psutil
import redis

from bench import ours
from bench.options import Sizes
from bench.ours import Database
from bench.stage import Stage

_IDLE_SECONDS = 3.0

# Transactions by their numbers, which only those get that write. The sessions' statistics come up to 10 s late.
_DATABASE = "SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint, pg_current_wal_lsn() - '0/0'"


def cost_of_a_run(stage: Stage, sizes: Sizes, database: Database) -> dict[str, float]:
    """By name: ms of CPU in each process, transactions, KiB of WAL, messages. Idle cost is measured and taken off."""
    before = _spent(stage, database)
    began = time.monotonic()
    time.sleep(_IDLE_SECONDS)
    idle = _spent(stage, database)
    idle_seconds = time.monotonic() - began
    began = time.monotonic()
    ours.one_step(stage, sizes.one_step_runs, database, ours.BATCH)
    share = (time.monotonic() - began) / idle_seconds
    spent = _spent(stage, database)
    return {
        name: (spent[name] - idle[name] - share * (idle[name] - before[name])) / sizes.one_step_runs for name in spent
    }


def _spent(stage: Stage, database: Database) -> dict[str, float]:
    spent: dict[str, float] = {}
    for name, pid in stage.pids().items():
        spent[f"CPU of {name}, ms"] = _cpu_seconds(pid) * 1_000
    row = database.execute(_DATABASE).fetchone()
    assert row is not None
    spent["transactions that write"] = row[0]
    spent["WAL, KiB"] = float(row[1]) / 1024
    with redis.Redis(unix_socket_path=str(stage.valkey.socket)) as client:
        commands = client.info("commandstats")
    assert isinstance(commands, dict)
    spent["messages"] = commands.get("cmdstat_lpush", {"calls": 0})["calls"]
    return spent


def _cpu_seconds(pid: int) -> float:
    parent = psutil.Process(pid)
    total = sum(parent.cpu_times()[:4])  # user, system, and those of children that have ended
    for child in parent.children(recursive=True):
        total += sum(child.cpu_times()[:2])
    return float(total)
