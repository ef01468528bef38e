"""What a one-step run costs, piece by piece: it tells where the time goes, on a busy machine too."""

import time

import psutil
import redis

from bench import ours
from bench.options import Sizes
from bench.ours import Database
from bench.stage import Stage

_STATISTICS_SECONDS = 2.0
"""PostgreSQL's sessions report what they did at most once a second."""

_DATABASE = """
SELECT xact_commit, xact_rollback, pg_current_wal_lsn() - '0/0' FROM pg_stat_database
WHERE datname = current_database()
"""


def cost_of_a_run(stage: Stage, sizes: Sizes, database: Database) -> dict[str, float]:
    """By name: ms of CPU in each process, transactions, KiB of WAL, messages. Idle cost is measured and taken off."""
    before = _spent(stage, database)
    began = time.monotonic()
    time.sleep(_STATISTICS_SECONDS)
    idle = _spent(stage, database)
    idle_seconds = time.monotonic() - began
    began = time.monotonic()
    ours.one_step(stage, sizes.one_step_runs, database, ours.BATCH)
    time.sleep(_STATISTICS_SECONDS)
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
    spent["transactions"] = row[0] + row[1]
    spent["WAL, KiB"] = float(row[2]) / 1024
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
