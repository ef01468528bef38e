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
        family = [_sizes_of(process) for process in [parent, *parent.children(recursive=True)]]
        found[name] = sum(shared for shared, _ in family) / MIB
        if name == "postgres":  # its buffers fill until they are full, which is no leak
            found["postgres without its buffers"] = sum(own for _, own in family) / MIB
    return found


def _sizes_of(process: psutil.Process) -> tuple[int, int]:
    """Proportional set size, which shares out what several share, and what is its own; else resident set size."""
    with suppress(psutil.NoSuchProcess):
        with suppress(psutil.AccessDenied):
            full = process.memory_full_info()
            if hasattr(full, "pss"):
                return int(full.pss), int(full.uss)
        resident = int(process.memory_info().rss)
        return resident, resident
    return 0, 0
