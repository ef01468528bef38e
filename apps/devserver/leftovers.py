"""Finding and stopping what a killed development server left running."""

import json
import os
import signal
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import psutil

# Start times of one process, read twice, differ by what the system's clock was set in between.
_SAME_START_SECONDS = 2.0
_GRACE_SECONDS = 5.0
_SHUTDOWN_SECONDS = 60.0


def postgres_of(data: Path) -> list[psutil.Process]:
    """The processes of a PostgreSQL server with this data folder: every one of them works in that folder."""
    found = []
    for process in psutil.process_iter(["name"]):
        try:
            if process.info["name"] == "postgres" and Path(process.cwd()).samefile(data):
                found.append(process)
        except (psutil.Error, OSError):  # gone meanwhile, or another user's: not ours
            continue
    return found


def stop_postgres(data: Path) -> None:
    """Shuts a server that was left with this data folder down, and takes a pid file away that nobody holds.

    The pid in such a file proves nothing, it may be another program's by now; PostgreSQL would believe it and not
    start.
    """
    postmasters = [process for process in postgres_of(data) if process.pid == _pid_in(data / "postmaster.pid")]
    _end(postmasters, signal.SIGINT, _SHUTDOWN_SECONDS)  # "fast": it ends its children and writes all out
    _end(postgres_of(data), signal.SIGQUIT, _GRACE_SECONDS)  # children whose postmaster was killed
    (data / "postmaster.pid").unlink(missing_ok=True)


class Child(NamedTuple):
    """A child of ours, and how it is asked to end."""

    name: str
    pid: int
    stop_signal: int
    grace: float


def record(children: Iterable[Child], file: Path) -> None:
    """Notes our children, what stops last first, for `stop_recorded`."""
    entries = []
    for child in children:
        with suppress(psutil.NoSuchProcess):
            entries.append({"child": child, "started": psutil.Process(child.pid).create_time()})
    partial = file.with_suffix(".partial")
    partial.write_text(json.dumps(entries), encoding="utf-8")
    partial.replace(file)


def stop_recorded(file: Path) -> list[str]:
    """Ends the children of a killed server that still run, in the order in which they stop; their names.

    An id that is somebody else's by now is left alone.
    """
    try:
        entries = json.loads(file.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return []
    stopped = []
    for entry in reversed(entries):
        child = Child(*entry["child"])
        if left := _group(child.pid, entry["started"]):
            _end(left, signal.Signals(child.stop_signal), child.grace)
            stopped.append(child.name)
    file.unlink(missing_ok=True)
    return stopped


def _group(leader: int, started: float) -> list[psutil.Process]:
    """What is left of a child's process group; the child itself may be gone and its id be somebody else's."""
    with suppress(psutil.NoSuchProcess):
        if abs(psutil.Process(leader).create_time() - started) > _SAME_START_SECONDS:
            return []
    found = []
    for process in psutil.process_iter(["status"]):
        with suppress(psutil.Error, OSError):
            if os.getpgid(process.pid) == leader and process.info["status"] != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


def _pid_in(file: Path) -> int | None:
    try:
        return int(file.read_text(encoding="ascii").split("\n", 1)[0])
    except (OSError, ValueError):
        return None


def _end(processes: Sequence[psutil.Process], number: signal.Signals, grace: float) -> None:
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.send_signal(number)
    _, alive = psutil.wait_procs(processes, timeout=grace)
    for process in alive:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(alive, timeout=_GRACE_SECONDS)
