"""Real processes, started and killed: the commands are the DevServer's own."""

import os
import signal
from collections.abc import Mapping
from pathlib import Path

from apps.devserver import fleet
from apps.devserver.processes import Process, has_ended, launch, signal_group
from tests.waiting import wait_for

END_SECONDS = 20.0
_TAIL_BYTES = 4_000


class Running:
    """One process of the fleet; what it says goes to a file."""

    def __init__(self, program: fleet.Program, settings: Mapping[str, str], folder: Path) -> None:
        self.program = program
        self.log_file = folder / f"{program.name}.log"
        with self.log_file.open("ab") as log:
            self._process: Process = launch(
                program.command,
                environment={**program.environment, **settings},
                output=log,
                on_orphan=signal.SIGKILL,
            )

    @property
    def name(self) -> str:
        return self.program.name

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def has_ended(self) -> bool:
        return has_ended(self._process)

    @property
    def exit_code(self) -> int | None:
        return self._process.returncode

    def signal(self, number: signal.Signals) -> None:
        if not self.has_ended:
            os.kill(self.pid, number)

    def freeze(self) -> None:
        self.signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self.signal(signal.SIGCONT)

    def kill(self) -> None:
        """kill -9, and wait for the end."""
        signal_group(self._process, signal.SIGKILL)
        self._process.wait()

    def terminate(self, seconds: float = END_SECONDS) -> None:
        """Ask it to end, and wait until it has."""
        self.signal(signal.SIGTERM)
        self.wait_ended(seconds)

    def wait_ended(self, seconds: float = END_SECONDS) -> None:
        wait_for(lambda: self.has_ended, f"{self.name} has ended", seconds)

    def tail(self) -> str:
        """The last of what it said."""
        return self.log_file.read_bytes()[-_TAIL_BYTES:].decode(errors="replace")


class Fleet:
    """The processes that a test has running."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self.folder = folder
        self.environment = dict(environment)
        self.started: list[Running] = []

    def worker(
        self, name: str, queues: str = "steps", threads: int = 2, settings: Mapping[str, str] | None = None
    ) -> Running:
        """A Celery worker of these queues. `settings` are those that differ from the fleet's."""
        [program] = fleet.workers([fleet.Workers(name, queues, 1, threads)], self.environment, END_SECONDS)
        return self.start(program, settings)

    def beat(self, name: str = "beat") -> Running:
        program = fleet.beat(self.environment)
        return self.start(fleet.Program(name, program.command, program.environment))

    def web(self, port: int) -> Running:
        return self.start(fleet.web(port, self.environment))

    def start(self, program: fleet.Program, settings: Mapping[str, str] | None = None) -> Running:
        running = Running(program, settings or {}, self.folder)
        self.started.append(running)
        return running

    def start_again(self, ended: Running) -> Running:
        """The same program once more."""
        self.started.remove(ended)
        return self.start(ended.program)

    def kill(self) -> None:
        """Everything that is left."""
        for running in self.started:
            running.kill()
        self.started.clear()
