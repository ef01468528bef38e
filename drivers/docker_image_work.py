"""One image being built or pulled, in a thread and over a connection of its own: severed, the engine stops, too."""

import contextlib
import socket
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import docker

from drivers.contract import Abort
from drivers.cutoff import Cutoff
from drivers.docker_engine import connect, host
from drivers.docker_image_fault import ImageFault

_SECONDS = 120.0
"""How long the engine may be silent while it pulls; building, it may be so for as long as a command is."""


class Unwanted(Exception):
    """It was stopped because nobody waited for it any more."""


class ImageWork:
    """``future`` is done once the thread has ended, or is about to; by then ``done`` has been called. It has no result,
    or raises ImageFault, EngineAway, Unwanted."""

    def __init__(
        self, name: str, fetch: Callable[[docker.APIClient], None], seconds: float, done: Callable[[], None]
    ) -> None:
        self.future: Future[None] = Future()
        self._name = name
        self._fetch = fetch
        self._seconds = seconds
        self._done = done
        self._lock = threading.Lock()
        self._waiting = 0
        self._goes_on = False
        self._unwanted = Abort()

    def start(self) -> None:
        threading.Thread(target=self._run, name="docker-image", daemon=True).start()

    def join(self) -> None:
        """One more waits for it."""
        with self._lock:
            self._waiting += 1

    def leave(self, *, leaves_it: bool) -> None:
        """One waits no more; the last one stops it, unless one of them left it to go on for whoever comes next."""
        with self._lock:
            self._waiting -= 1
            self._goes_on = self._goes_on or leaves_it
            is_unwanted = self._waiting == 0 and not self._goes_on
        if is_unwanted:
            self._unwanted.set("cancel")

    def _run(self) -> None:
        fault: BaseException | None = None
        with Cutoff(self._seconds, self._unwanted) as cutoff:
            try:
                _work(self._fetch, cutoff)
            except BaseException as raised:  # raised where someone waits for it
                fault = raised
        if cutoff.reason is not None:  # whatever it led to
            fault = too_late(self._name, self._seconds) if cutoff.reason == "timeout" else Unwanted()
        self._done()
        if fault is None:
            self.future.set_result(None)
        else:
            self.future.set_exception(fault)


def too_late(name: str, seconds: float) -> ImageFault:
    return ImageFault("ImageTimeout", f"the image {name!r} was not there within {seconds:g} s")


def _work(fetch: Callable[[docker.APIClient], None], cutoff: Cutoff) -> None:
    client = connect(host(), _SECONDS)
    try:
        # A request is severed as soon as it is answered, which the engine does when it begins, not when it ends.
        client.hooks["response"].append(lambda response, **_: cutoff.stops(lambda: _sever(response)))
        fetch(client)
    finally:
        cutoff.release()
        client.close()


def _sever(response: Any) -> None:
    # The SDK finds it by the same way. An answer that has been read has none.
    with contextlib.suppress(AttributeError, OSError):
        response.raw._fp.fp.raw._sock.shutdown(socket.SHUT_RDWR)
