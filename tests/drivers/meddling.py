"""What may lie between a worker and its engine, and does harm: it drops, stalls and cuts connections."""

import contextlib
import socket
import threading
import time
from pathlib import Path

from drivers.docker_engine import DEFAULT_HOST


class Meddler:
    """A socket that passes everything on to the engine, but for requests whose first line has one of these parts."""

    def __init__(self, path: Path) -> None:
        self.host = f"unix://{path}"
        self.drops = b""
        """Requests that reach the engine, and whose connection is closed before it answers."""
        self.stalls = b""
        """Requests of whose answer only the head comes."""
        self.delays = b""
        """Requests that reach the engine a little later."""
        self._path = path
        self._links: list[_Link] = []
        self.listen()

    def listen(self) -> None:
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(self._path))
        self._listener.listen(100)
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def stop_listening(self) -> None:
        """Leave what is open."""
        self._path.unlink(missing_ok=True)
        _shut(self._listener)
        self._listener.close()

    def has(self, part: bytes) -> bool:
        """Whether a connection's last request was such a one."""
        return any(part in link.line for link in self._links)

    def cut(self, part: bytes) -> None:
        """End the connections of such requests cleanly, as proxies do with idle ones."""
        for link in self._links:
            if part in link.line:
                link.end()

    def close(self) -> None:
        self.stop_listening()
        self.cut(b"")

    def _accept(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = listener.accept()
                far = socket.socket(socket.AF_UNIX)
                far.connect(DEFAULT_HOST.removeprefix("unix://"))
                link = _Link(self, near, far)
                self._links.append(link)
                threading.Thread(target=link.go_up, daemon=True).start()
                threading.Thread(target=link.go_down, daemon=True).start()


class _Link:
    def __init__(self, meddler: Meddler, near: socket.socket, far: socket.socket) -> None:
        self.line = b""
        self._meddler = meddler
        self._near = near
        self._far = far
        self._both = threading.Barrier(2, action=self._close)

    def go_up(self) -> None:
        with contextlib.suppress(OSError):
            while data := self._near.recv(65536):
                line = data.partition(b"\r\n")[0]
                self.line = line if b" HTTP/1." in line else self.line
                if self._is_in(self._meddler.delays):
                    time.sleep(1.1)
                self._far.sendall(data)
        with contextlib.suppress(OSError):
            self._far.shutdown(socket.SHUT_WR)
        self._both.wait()

    def go_down(self) -> None:
        with contextlib.suppress(OSError):
            while data := self._far.recv(65536):
                if self._is_in(self._meddler.drops):
                    break
                if self._is_in(self._meddler.stalls):
                    self._near.sendall(data.partition(b"\r\n\r\n")[0] + b"\r\n\r\n")
                    self._both.wait()
                    return
                self._near.sendall(data)
        self.end()
        self._both.wait()

    def end(self) -> None:
        for each in (self._near, self._far):
            _shut(each)

    def _close(self) -> None:
        self._near.close()
        self._far.close()

    def _is_in(self, part: bytes) -> bool:
        return bool(part) and part in self.line


def _shut(each: socket.socket) -> None:
    with contextlib.suppress(OSError):
        each.shutdown(socket.SHUT_RDWR)
