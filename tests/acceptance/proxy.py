"""A door to PostgreSQL that can be shut in a caller's face: the server has done it, the answer never comes."""

import contextlib
import socket
import threading
from pathlib import Path
from urllib.parse import quote

from psycopg.conninfo import conninfo_to_dict

from tests.waiting import wait_for

_SOCKET = ".s.PGSQL.5432"
_AT_ONCE = 65_536


class Proxy:
    """Hands on both ways, until the answer comes that `lose` waits for: it is withheld, and its connection cut."""

    def __init__(self, database_url: str, folder: Path) -> None:
        target = conninfo_to_dict(database_url)
        self._behind = str(Path(str(target["host"])) / _SOCKET)
        folder.mkdir()
        self.url = f"postgresql://{target['user']}@/{target['dbname']}?host={quote(str(folder), safe='')}"
        self.lost = 0
        self._marks: list[bytes] = []
        self._guard = threading.Lock()
        self._open: list[socket.socket] = []
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(folder / _SOCKET))
        self._listener.listen()
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    def lose(self, mark: bytes) -> None:
        """Lose the next answer in which these bytes stand."""
        with self._guard:
            self._marks.append(mark)

    def wait_lost(self, times: int = 1) -> None:
        wait_for(lambda: self.lost >= times, f"{times} answers are lost")

    def close(self) -> None:
        with self._guard:
            ends = [self._listener, *self._open]
        for end in ends:
            _cut(end)
        self._accepting.join()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            far = socket.socket(socket.AF_UNIX)
            far.connect(self._behind)
            with self._guard:
                self._open += (near, far)
            for source, target, answers in ((near, far, False), (far, near, True)):
                threading.Thread(target=self._hand_on, args=(source, target, answers), daemon=True).start()

    def _hand_on(self, source: socket.socket, target: socket.socket, answers: bool) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(_AT_ONCE):
                if answers and self._is_to_be_lost(data):
                    break
                target.sendall(data)
        _cut(source)
        _cut(target)

    def _is_to_be_lost(self, data: bytes) -> bool:
        with self._guard:
            for mark in self._marks:
                if mark in data:
                    self._marks.remove(mark)
                    self.lost += 1
                    return True
        return False


def _cut(end: socket.socket) -> None:
    with contextlib.suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    end.close()
