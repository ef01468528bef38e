"""How much memory each process has to itself."""

from contextlib import suppress

import psutil

from bench.stage import Stage

MIB = 2**20


def memory_of(stage: Stage) -> dict[str, float]:
    """MiB by process, with its children (granian's worker, PostgreSQL's sessions)."""
    found = {}
    for name, pid in stage.pids().items():
        parent = psutil.Process(pid)
        found[name] = sum(map(_bytes_of, [parent, *parent.children(recursive=True)])) / MIB
    return found


def _bytes_of(process: psutil.Process) -> int:
    """Proportional set size, which counts shared memory once among those who share it; else resident set size."""
    with suppress(psutil.NoSuchProcess):
        with suppress(psutil.AccessDenied):
            full = process.memory_full_info()
            if hasattr(full, "pss"):
                return int(full.pss)
        return int(process.memory_info().rss)
    return 0
