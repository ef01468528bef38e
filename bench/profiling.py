"""py-spy (`pip install py-spy`) beside every Python process of the server, while the rounds run."""

import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from bench.stage import Stage

_STORES = ("postgres", "valkey")


@contextmanager
def profiled(stage: Stage, folder: Path | None) -> Iterator[None]:
    """Write one file of collapsed stacks a process into the folder, for a flame graph or `sort | head`."""
    if folder is None:
        yield
        return
    folder.mkdir(parents=True, exist_ok=True)
    recorders = []
    for name, pid in stage.pids().items():
        if name in _STORES:
            continue
        children = psutil.Process(pid).children(recursive=True)  # granian's worker is the one that works
        file = folder / f"{name.replace(' ', '-')}.txt"
        command = ["py-spy", "record", "--pid", str(children[-1].pid if children else pid), "--output", str(file)]
        with (folder / "py-spy.log").open("ab") as log:
            options = ("--format", "raw", "--duration", "3600", "--rate", "200", "--threads", "--nonblocking")
            recorders.append(subprocess.Popen([*command, *options], stdout=log, stderr=log))
    try:
        yield
    finally:
        for recorder in recorders:
            recorder.send_signal(signal.SIGINT)
        for recorder in recorders:
            recorder.wait()
