"""Keeps a set of child processes running, and stops them in order."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from signal import SIGKILL, Signals
from typing import Protocol

from apps.devserver import leftovers
from apps.devserver.faults import CannotStart
from apps.devserver.output import Log
from apps.devserver.processes import Process, has_ended, holds_within, how_it_ended, signal_group

_LOOK_SECONDS = 0.1
_FIRST_DELAY_SECONDS = 0.2
_LONGEST_DELAY_SECONDS = 10.0
_LASTED_SECONDS = 20.0
"""A child that lived for so long starts again at once."""


class Service(Protocol):
    """Something that runs as one child process."""

    @property
    def name(self) -> str: ...
    @property
    def stop_signal(self) -> Signals: ...
    @property
    def grace(self) -> float: ...
    def spawn(self) -> Process: ...


@dataclass(slots=True)
class _Child:
    service: Service
    stop_rank: int
    process: Process | None = None
    started: float = 0.0
    failures: int = 0
    start_again_at: float | None = None


class Supervisor:
    """Starts services, starts those again that end, and stops all of them by rank, the lowest first.

    `record` names the file in which the children's ids are kept, for whoever comes after a kill -9 of us.
    """

    def __init__(self, log: Log, record: Path) -> None:
        self._log = log
        self._record = record
        self._children: list[_Child] = []

    def start(self, service: Service, stop_rank: int) -> None:
        """Starts a service and looks after it from now on. Raises CannotStart if it cannot even be tried."""
        child = _Child(service, stop_rank)
        self._children.append(child)
        self._spawn(child)

    def watch(self) -> None:
        """Looks after the services until interrupted."""
        while True:
            self.look()
            time.sleep(_LOOK_SECONDS)

    def look(self) -> None:
        """Starts every service again that has ended, with growing pauses if it keeps ending."""
        now = time.monotonic()
        for child in self._children:
            if child.process is not None and has_ended(child.process):
                self._plan_restart(child, how_it_ended(child.process), now)
            if child.start_again_at is not None and now >= child.start_again_at:
                try:
                    self._spawn(child)
                except CannotStart as error:
                    self._plan_restart(child, str(error), now)

    def stop(self) -> None:
        """Ends all services, rank by rank; a service that outlives its grace is killed."""
        for rank in sorted({child.stop_rank for child in self._children}):
            running = [child for child in self._children if child.stop_rank == rank and _runs(child)]
            if running:
                self._log.line("dev", f"stopping {', '.join(child.service.name for child in running)}")
                self._end(running)
        self._record.unlink(missing_ok=True)

    def kill(self) -> None:
        """Ends all services at once, without asking."""
        for child in self._children:
            if child.process is not None and not has_ended(child.process):
                signal_group(child.process, SIGKILL)

    def _spawn(self, child: _Child) -> None:
        child.start_again_at = None
        child.started = time.monotonic()
        child.process = child.service.spawn()
        if child.process.stdout is not None:
            self._log.follow(child.service.name, child.process.stdout)
        leftovers.record(
            (
                leftovers.Child(one.service.name, one.process.pid, one.service.stop_signal, one.service.grace)
                for one in sorted(self._children, key=lambda one: -one.stop_rank)
                if one.process is not None
            ),
            self._record,
        )

    def _plan_restart(self, child: _Child, reason: str, now: float) -> None:
        child.process = None
        child.failures = 0 if now - child.started > _LASTED_SECONDS else child.failures + 1
        delay = (
            min(_FIRST_DELAY_SECONDS * 2 ** min(child.failures, 10), _LONGEST_DELAY_SECONDS) if child.failures else 0.0
        )
        child.start_again_at = now + delay
        self._log.line(
            "dev", f"{child.service.name} ended ({reason}); starting it again{f' in {delay:.1f} s' if delay else ''}"
        )

    def _end(self, children: Sequence[_Child]) -> None:
        processes = [(child, child.process) for child in children if child.process is not None]
        for child, process in processes:
            process.send_signal(child.service.stop_signal)
        deadline = time.monotonic() + max(child.service.grace for child in children)
        holds_within(deadline - time.monotonic(), lambda: all(has_ended(process) for _, process in processes))
        for child, process in processes:
            if not has_ended(process):
                self._log.line("dev", f"{child.service.name} did not stop in time and is killed")
                signal_group(process, SIGKILL)
                process.wait()


def _runs(child: _Child) -> bool:
    return child.process is not None and not has_ended(child.process)
