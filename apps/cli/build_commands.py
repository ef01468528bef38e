"""Running a person's own build command: shown while it runs, and ended with us, whatever it has started."""

import signal
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import IO, NamedTuple

from apps.cli.printing import err, lines
from apps.devserver.processes import has_ended, launch, stop

_MOST_LINES = 200
_LONGEST_LINE = 4096
_LOOK_SECONDS = 0.02
_GRACE_SECONDS = 2.0
_LAST_LINES_SECONDS = 0.5
"""What has left the build's process group may hold its output open for ever."""


class Built(NamedTuple):
    code: int
    """Below 0 for a signal."""
    said: Sequence[str]
    """The last of it, where it has not been shown already."""


def run_build(command: str, folder: Path) -> Built:
    """Run a command in a shell in `folder`. On a terminal what it says is shown at once. From the main thread only."""
    process = launch(["/bin/sh", "-c", command], output=-1, folder=folder)
    assert process.stdout is not None
    is_shown = err().is_terminal
    said: deque[str] = deque(maxlen=_MOST_LINES)
    reader = threading.Thread(target=_read, args=(process.stdout, said, is_shown), name="build", daemon=True)
    with _interrupts():
        try:
            reader.start()
            while not has_ended(process):
                time.sleep(_LOOK_SECONDS)
        finally:
            stop(process, signal.SIGTERM, _GRACE_SECONDS)
    reader.join(_LAST_LINES_SECONDS)
    return Built(process.returncode, [] if is_shown else list(said))


def print_said(said: Sequence[str]) -> None:
    for line in said:
        err().print(f"  {line}", style="dim", soft_wrap=True)


def _read(output: IO[bytes], said: deque[str], is_shown: bool) -> None:
    with output:
        while piece := output.readline(_LONGEST_LINE):
            # Of a line that is written over itself, as of progress, the last is seen.
            line = lines(piece.decode(errors="replace").rstrip("\r\n").rpartition("\r")[2])
            said.append(line)
            if is_shown:
                print_said([line])


@contextmanager
def _interrupts() -> Iterator[None]:
    """SIGTERM and a closed terminal end the build as Ctrl-C does."""

    def end(number: int, frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    before = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
