"""Starting and ending child processes, each in a session of its own.

A session of its own, so that Ctrl-C in the terminal reaches us alone and we stop the children in order. On Linux
the kernel also ends a child whose parent was killed (`launch.py`), so that nothing is left behind.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

from apps.devserver.faults import CannotStart

Process = subprocess.Popen[bytes]
Output = int | IO[bytes]

_LAUNCHER = Path(__file__).with_name("launch.py")


def launch(
    command: Sequence[str],
    *,
    environment: Mapping[str, str] | None = None,
    output: Output = subprocess.DEVNULL,
    on_orphan: signal.Signals = signal.SIGTERM,
    identity: Sequence[str] = (),
    folder: Path | None = None,
) -> Process:
    """Starts `command`, its output and errors going to `output`; `identity` is from `unprivileged.py`. It runs in
    `folder`, or where we do.

    To be called from the main thread: the kernel takes the end of the calling thread for the end of the parent.
    """
    launcher = [sys.executable, "-I", "-S", str(_LAUNCHER), "--parent", str(os.getpid())]
    return subprocess.Popen(
        [*launcher, "--on-orphan", on_orphan.name, *identity, "--", *command],
        env=None if environment is None else dict(environment),
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


def signal_group(process: Process, number: signal.Signals) -> None:
    """Signals every process of the child's group; not an error when none is left."""
    with suppress(ProcessLookupError, PermissionError):  # macOS says EPERM where only a zombie is left
        os.killpg(process.pid, number)


def has_ended(process: Process) -> bool:
    """Whether the child is gone; what it left of its group is killed with it."""
    if process.returncode is not None:
        return True
    # Looked at without reaping it: until then its id, and so the id of its group, cannot belong to anyone else.
    with suppress(ChildProcessError):  # somebody else in this process has reaped it
        if os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
            return False
    signal_group(process, signal.SIGKILL)
    process.wait()
    return True


def how_it_ended(process: Process) -> str:
    """For the log: `exit code 3`, `killed by SIGKILL`."""
    code = process.returncode
    if code is None:
        return "still running"
    return f"exit code {code}" if code >= 0 else f"killed by {signal.Signals(-code).name}"


def stop(process: Process, number: signal.Signals, grace: float) -> bool:
    """Asks the child to end with a signal, and kills its group after `grace` seconds. False if it had to."""
    if not has_ended(process):
        os.kill(process.pid, number)
    obeyed = holds_within(grace, lambda: has_ended(process))
    signal_group(process, signal.SIGKILL)
    process.wait()
    return obeyed


def holds_within(seconds: float, condition: Callable[[], bool], pause: float = 0.02) -> bool:
    """Waits for a condition; False if it does not hold in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(pause)
    return True


def run_to_end(command: Sequence[str], *, identity: Sequence[str] = (), doing: str) -> None:
    """Runs a short command. Raises CannotStart with its output if it fails."""
    process = launch(command, identity=identity, output=subprocess.PIPE)
    try:
        said, _ = process.communicate()
    finally:
        signal_group(process, signal.SIGKILL)
    if process.returncode != 0:
        raise CannotStart(f"{doing} failed ({how_it_ended(process)}): {said.decode(errors='replace').strip()}")
