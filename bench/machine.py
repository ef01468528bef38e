"""On what the figures were measured: without it they mean nothing."""

import os
import platform
from importlib.metadata import version
from pathlib import Path

import psutil
import psycopg
import redis
from psycopg.rows import TupleRow

from bench.stage import Stage

_BUSY_LOAD = 0.5


def describe(stage: Stage, database: psycopg.Connection[TupleRow]) -> dict[str, str]:
    """Name → what it is, as shown above the figures."""
    packages = ("celery", "Django", "granian", "psycopg")
    return {
        "CPU": f"{_cpu_model()}, {os.cpu_count()} cores",
        "memory": f"{psutil.virtual_memory().total / 2**30:.0f} GiB",
        "kernel": f"{platform.system()} {platform.release()}",
        "data on": _file_system(stage.folder),
        "PostgreSQL": ", ".join(
            [_show(database, "server_version")]
            + [f"{name} {_show(database, name)}" for name in ("fsync", "synchronous_commit", "shared_buffers")]
        ),
        "Valkey": _valkey_version(stage),
        "Python": ", ".join([platform.python_version(), *(f"{name} {version(name)}" for name in packages)]),
        "fleet": "web 1, events,chores 1 (4 threads), steps,steps.docker 2 (3 threads), steps.cpu 1, beat 1;"
        " no-op 2 (2 threads)",
    }


def load_warning() -> str | None:
    """What to say if others are using the machine; asked for before anything of ours runs."""
    load = os.getloadavg()[0]
    if load < _BUSY_LOAD:
        return None
    return f"The machine is not idle (load {load:.1f} before the start): the figures are noise."


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown CPU")


def _file_system(folder: Path) -> str:
    mounts = [part for part in psutil.disk_partitions(all=True) if folder.is_relative_to(part.mountpoint)]
    mount = max(mounts, key=lambda part: len(part.mountpoint))
    return f"{mount.fstype} ({mount.device})"


def _show(database: psycopg.Connection[TupleRow], setting: str) -> str:
    row = database.execute("SELECT current_setting(%s)", (setting,)).fetchone()
    assert row is not None
    return str(row[0])


def _valkey_version(stage: Stage) -> str:
    with redis.Redis(unix_socket_path=str(stage.valkey.socket)) as client:
        info = client.info("server")
    assert isinstance(info, dict)
    return str(info.get("valkey_version", info["redis_version"]))
