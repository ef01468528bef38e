"""One terminal for many processes: every line with the name of the one that wrote it."""

import os
import threading
from typing import IO, TextIO

_LONGEST_LINE = 64 * 1024
_RESET = "\x1b[0m"
_STEERING = dict.fromkeys((*range(9), *range(10, 32), *range(127, 160)), "�")
_DIM = "\x1b[2m"
_COLOURS = ("36", "32", "33", "35", "34", "96", "92", "93", "95", "94")


class Log:
    """Writes whole lines, from any thread. Coloured on a terminal, unless NO_COLOR is set."""

    def __init__(self, stream: TextIO, width: int = 8) -> None:
        self._stream = stream
        self._width = width
        self._lock = threading.Lock()
        self._colours: dict[str, str] = {}
        self._coloured = stream.isatty() and not os.environ.get("NO_COLOR")

    def line(self, name: str, text: str) -> None:
        """Writes one line of the process `name`, without what would steer the terminal: steps log what they like."""
        text = text.translate(_STEERING)
        label = f"{name:<{self._width}}"
        if self._coloured:
            colour = self._colours.setdefault(name, _COLOURS[len(self._colours) % len(_COLOURS)])
            prefix = f"\x1b[{colour}m{label}{_RESET} {_DIM}|{_RESET} "
        else:
            prefix = f"{label} | "
        self._write(f"{prefix}{text}\n")

    def block(self, text: str) -> None:
        """Writes lines of our own as they are, with nothing in between."""
        self._write(f"{text}\n")

    def follow(self, name: str, pipe: IO[bytes]) -> threading.Thread:
        """Copies what a process writes, but empty lines, in a thread that ends with the pipe."""
        thread = threading.Thread(target=self._copy, args=(name, pipe), daemon=True, name=f"log of {name}")
        thread.start()
        return thread

    def _copy(self, name: str, pipe: IO[bytes]) -> None:
        with pipe:
            while raw := pipe.readline(_LONGEST_LINE):
                if text := raw.decode(errors="replace").rstrip():
                    self.line(name, text)

    def _write(self, text: str) -> None:
        with self._lock:
            try:
                self._stream.write(text)
                self._stream.flush()
            except (OSError, ValueError):
                # Nobody reads any more (`make dev | head`). The children's pipes are emptied all the same.
                return
