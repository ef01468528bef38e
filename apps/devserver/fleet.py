"""Which processes make up a development server, and the command of each."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from signal import SIGKILL, SIGTERM, Signals
from subprocess import PIPE

from apps.devserver.addresses import LOOPBACK
from apps.devserver.processes import Process, launch

PROJECT = Path(__file__).resolve().parent.parent.parent
"""Where our packages lie: a checkout, or whatever they were installed into."""

BEAT = ("-m", "celery", "-A", "inngest_server", "-q", "beat", "--loglevel", "WARNING", "--pidfile", "")
BEAT_SCHEDULER = ("--scheduler", "apps.doorbell.beat:Scheduler")
# People do run as root in containers; our messages carry neither code nor state, so Celery's warning is no news.
QUIET_AS_ROOT = ("-W", "ignore:You're running the worker with superuser privileges")
WORKER = (*QUIET_AS_ROOT, "-m", "celery", "-A", "inngest_server", "-q", "worker", "-P", "threads")
WORKER_OPTIONS = ("--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel", "WARNING")
WEB = (
    "-m",
    "granian",
    "--interface",
    "asgi",
    "--workers",
    "1",
    "--http",
    "1",
    "--no-ws",
    "--loop",
    "uvloop",
    "--log-level",
    "warning",
)
APPLICATION = "inngest_server.asgi:application"


@dataclass(frozen=True, slots=True)
class Workers:
    """Worker processes that take from the same queues."""

    name: str
    queues: str
    processes: int
    threads: int

    @property
    def names(self) -> list[str]:
        if self.processes == 1:
            return [self.name]
        return [f"{self.name}-{number + 1}" for number in range(self.processes)]


@dataclass(frozen=True, slots=True)
class Apps:
    """Which apps of an SDK are kept in sync."""

    urls: Sequence[str] = ()
    ports: Sequence[int] = ()
    """Of this machine, on which apps are looked for."""
    poll_interval: float = 5.0
    """Seconds between two syncs of an app."""


@dataclass(frozen=True, slots=True)
class Program:
    """A process of the development server that has nothing to prepare: a command."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    grace: float = 5.0
    stop_signal: Signals = SIGTERM
    folder: Path | None = None
    """Where it runs; by default, where we do."""

    def spawn(self) -> Process:
        return launch(
            self.command,
            environment=self.environment,
            output=PIPE,
            on_orphan=self.stop_signal,
            folder=self.folder,
        )


def workers(groups: Sequence[Workers], environment: Mapping[str, str], grace: float) -> list[Program]:
    """The Celery workers; they get `grace` seconds to finish what they have in hand."""
    return [
        Program(
            name,
            _python(*WORKER, "-Q", group.queues, "-c", str(group.threads), "-n", f"{name}@%h", *WORKER_OPTIONS),
            environment,
            grace,
        )
        for group in groups
        for name in group.names
    ]


def beat(environment: Mapping[str, str]) -> Program:
    """What rings when something is due.

    It is killed and not asked: it holds nothing that matters, and a SIGTERM that finds it still starting is lost on
    it (the exception that its handler raises is swallowed by what it interrupts).
    """
    return Program("beat", _python(*BEAT, *BEAT_SCHEDULER), environment, stop_signal=SIGKILL)


def web(port: int, environment: Mapping[str, str], host: str = LOOPBACK) -> Program:
    """The web server: the Event API, the REST API."""
    return Program("web", _python(*WEB, "--host", host, "--port", str(port), APPLICATION), environment)


def example_app(script: Path, port: int, environment: Mapping[str, str]) -> Program:
    """The small app that the examples' http steps call."""
    return Program("app", [sys.executable, str(script), "--port", str(port)], environment)


def watcher(functions: Path, environment: Mapping[str, str]) -> Program:
    """What loads the functions again when their files change."""
    return Program("functions", manage("watch_functions", str(functions.absolute())), environment, stop_signal=SIGKILL)


def apps(server: str, options: Apps, environment: Mapping[str, str]) -> Program:
    """What keeps the apps that serve functions through an SDK in sync."""
    arguments = [f"--server={server}", f"--poll-interval={options.poll_interval:g}"]
    arguments += [f"--url={url}" for url in options.urls]
    arguments += [f"--discovery-ports={','.join(map(str, options.ports))}"] if options.ports else ["--no-discovery"]
    return Program("apps", manage("sync_apps", *arguments), environment, stop_signal=SIGKILL)


def manage(command: str, *arguments: str) -> list[str]:
    """A command of Django's, also where there is no `manage.py`."""
    options = (f"--pythonpath={PROJECT}", "--settings=inngest_server.settings")
    return _python("-m", "django", command, *options, *arguments)


def _python(*arguments: str) -> list[str]:
    # -P: a folder of the person's that happens to be named as one of our packages is not taken for it.
    return [sys.executable, "-P", *arguments]
