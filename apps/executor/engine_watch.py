"""What a worker of queue `steps.docker` does beside its steps: it looks whether its Docker engine answers, and removes
what nobody waits for there.

On a thread and a schedule of its own in each such process, not rung for by beat: a ring reaches one of them, and each
machine has an engine. That several processes look at the same engine does no harm.
"""

import logging
import threading
import time
from pathlib import Path

from django.db import connection

from apps.executor.worker import WorkerProcess
from drivers.settings import current

log = logging.getLogger(__name__)

QUEUE = "steps.docker"
DEFAULT_HOST = "unix:///var/run/docker.sock"
_UNIX = "unix://"
LOOK_SECONDS = 5.0
ORPHANS_SECONDS = 60.0
IMAGES_SECONDS = 3_600.0


class EngineWatch:
    """Tells the worker's heartbeat, which must not wait for an engine, what is wrong with it."""

    def __init__(self, worker: WorkerProcess) -> None:
        self._worker = worker
        self._ended = threading.Event()
        self._orphans_at = 0.0
        self._images_at = 0.0

    def start(self) -> None:
        threading.Thread(target=self._watch, name="engine-watch", daemon=True).start()

    def stop(self) -> None:
        """Look no more. Does not wait: a look may hang."""
        self._ended.set()

    def look(self) -> None:
        """Ask the engine how it is, and from time to time what is left on it. Never raises."""
        try:
            fault = _engine_fault()
            self._tell(fault)
            if not fault and time.monotonic() >= self._orphans_at:
                self._orphans_at = time.monotonic() + ORPHANS_SECONDS
                _remove_orphans()
            if not fault and time.monotonic() >= self._images_at:
                self._images_at = time.monotonic() + IMAGES_SECONDS
                _remove_unused_images()
        except Exception as error:  # the next look must come
            log.warning("what nobody needs on the Docker engine is not removed: %s: %s", type(error).__name__, error)
        finally:
            connection.close()

    def _tell(self, fault: str | None) -> None:
        faults = f"docker: {fault}" if fault else ""
        if faults != self._worker.faults:
            # The only places with the engine's address are this log and doctor, which reads what the heartbeat tells.
            log.warning("docker steps wait: %s", fault) if fault else log.info("the Docker engine answers again")
        self._worker.faults = faults

    def _watch(self) -> None:
        while True:
            self.look()
            if self._ended.wait(LOOK_SECONDS):
                return


# The engine's client is large: it is imported where there is an engine.


def engine_host() -> str:
    """Where this process's engine is."""
    return current().docker.host or DEFAULT_HOST


def _engine_fault() -> str | None:
    host = engine_host()
    if host.startswith(_UNIX) and not Path(host.removeprefix(_UNIX)).exists():
        return f"there is no Docker engine at {host}"
    from drivers.docker_engine import engine_fault

    return engine_fault()


def _remove_orphans() -> None:
    from apps.executor.chores.remove_orphans import remove_orphans

    remove_orphans()


def _remove_unused_images() -> None:
    from drivers.docker_unused_images import remove_unused_images

    remove_unused_images()
