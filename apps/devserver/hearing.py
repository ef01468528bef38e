"""Hears what the processes of the development server tell: a socket that only its own user reaches.

A step's own output never comes here, so nothing that a step prints can pass for what happened.
"""

import os
import selectors
import socket
import threading
from collections.abc import Callable
from pathlib import Path

import msgspec

from apps.devserver.sockets import private_folder
from apps.state.told import Told, decode

NAME = "told"
_LONGEST_LINE = 1024 * 1024
_READ_BYTES = 256 * 1024


class Hearing:
    """Gives to `hear` what is told, in a thread of its own, until it is closed."""

    def __init__(self, folder: Path, hear: Callable[[list[Told]], None]) -> None:
        self.path = private_folder(folder, NAME) / NAME
        self._hear = hear
        self._unfinished: dict[socket.socket, bytes] = {}
        self.path.unlink(missing_ok=True)
        self._listener = socket.socket(socket.AF_UNIX)
        before = os.umask(0o177)
        try:
            self._listener.bind(str(self.path))
        finally:
            os.umask(before)
        self._listener.listen(64)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._woken, self._waker = socket.socketpair()
        self._selector.register(self._woken, selectors.EVENT_READ)
        self._thread = threading.Thread(target=self._run, name="hearing", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Hear what was told until now, and no more."""
        self._waker.close()
        self._thread.join(2.0)
        self.path.unlink(missing_ok=True)

    def _run(self) -> None:
        ends = False
        while not ends:
            for key, _ in self._selector.select():
                if key.fileobj is self._woken:
                    ends = True
                elif key.fileobj is self._listener:
                    accepted, _ = self._listener.accept()
                    self._selector.register(accepted, selectors.EVENT_READ)
                    self._unfinished[accepted] = b""
                elif isinstance(key.fileobj, socket.socket):
                    self._read(key.fileobj)
        for one in [*self._unfinished, self._listener, self._woken]:
            one.close()

    def _read(self, teller: socket.socket) -> None:
        try:
            came = teller.recv(_READ_BYTES)
        except OSError:
            came = b""
        *lines, rest = (self._unfinished[teller] + came).split(b"\n")
        if not came or len(rest) > _LONGEST_LINE:
            self._selector.unregister(teller)
            self._unfinished.pop(teller)
            teller.close()
        else:
            self._unfinished[teller] = rest
        if told := [one for line in lines if (one := _decoded(line)) is not None]:
            self._hear(told)


def _decoded(line: bytes) -> Told | None:
    try:
        return decode(line)
    except msgspec.DecodeError:
        return None  # of another release, or cut off
