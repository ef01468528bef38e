"""Finding and stopping what a killed development server left running."""

import json
import signal
from collections.abc import Iterable, Mapping
from pathlib import Path

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


def record(children: Mapping[str, int], file: Path) -> None:
    """Notes the ids of our children, for `stop_recorded`."""
    entries = []
    for name, pid in children.items():
        try:
            entries.append({"name": name, "pid": pid, "started": psutil.Process(pid).create_time()})
        except psutil.NoSuchProcess:
            continue
    partial = file.with_suffix(".partial")
    partial.write_text(json.dumps(entries), encoding="utf-8")
    partial.replace(file)


def stop_recorded(file: Path) -> list[str]:
    """Ends the children of a killed server that still run; their names. A reused id is left alone."""
    try:
        entries = json.loads(file.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return []
    left: dict[str, psutil.Process] = {}
    for entry in entries:
        try:
            process = psutil.Process(entry["pid"])
            if abs(process.create_time() - entry["started"]) < _SAME_START_SECONDS:
                left[entry["name"]] = process
        except psutil.NoSuchProcess:
            continue
    _end(left.values(), signal.SIGTERM, _GRACE_SECONDS)
    file.unlink(missing_ok=True)
    return list(left)


def _pid_in(file: Path) -> int | None:
    try:
        return int(file.read_text(encoding="ascii").split("\n", 1)[0])
    except (OSError, ValueError):
        return None


def _end(processes: Iterable[psutil.Process], number: signal.Signals, grace: float) -> None:
    for process in processes:
        try:
            process.send_signal(number)
        except psutil.NoSuchProcess:
            continue
    _, alive = psutil.wait_procs(list(processes), timeout=grace)
    for process in alive:
        try:
            process.kill()
        except psutil.NoSuchProcess:
            continue
    psutil.wait_procs(alive, timeout=_GRACE_SECONDS)
