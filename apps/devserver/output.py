"""One terminal for many processes: every line with the time and the name of the one that wrote it."""

import io
import os
import threading
import time
from typing import IO, TextIO

from apps.devserver.cells import harmless
from apps.devserver.colours import DIM, GREEN, RED, YELLOW, Paint
from apps.devserver.durations import clock

NAME_WIDTH = 9
OFF_TERMINAL_WIDTH = 200
_LONGEST_LINE = 64 * 1024
# How the lines begin that the loading of functions and the syncing of apps write.
_BEGINNINGS = (
    ("loaded ", GREEN),
    ("synced ", GREEN),
    ("not loaded", RED),
    ("not synced", RED),
    ("took ", YELLOW),
    ("gone: ", YELLOW),
    ("[error", RED),
    ("[critical", RED),
    ("[warning", YELLOW),
)
# What Celery prints, whatever its log level, when it is stopped; we say so ourselves.
_NO_NEWS = "worker: Warm shutdown (MainProcess)"


class Log:
    """Writes whole lines, from any thread. Coloured on a terminal, unless NO_COLOR is set."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._lock = threading.Lock()
        self._is_terminal = stream.isatty()
        self.coloured = self._is_terminal and not os.environ.get("NO_COLOR")
        self._paint = Paint(self.coloured)
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that knows fewer characters gets what it knows

    def width(self) -> int:
        """Of the terminal, now, in cells."""
        if not self._is_terminal:
            return OFF_TERMINAL_WIDTH
        try:
            return os.get_terminal_size(self._stream.fileno()).columns or 80
        except (OSError, ValueError):
            return 80

    def line(self, name: str, text: str) -> None:
        """Writes one line of the process `name`, without what would steer the terminal: steps log what they like."""
        text = harmless(text)
        colour = next((colour for beginning, colour in _BEGINNINGS if text.startswith(beginning)), "")
        shown = self._paint(text, colour) if colour else text
        self.block(f"{self._paint(clock(time.time()), DIM)}  {self._paint(f'{name:<{NAME_WIDTH}}', DIM)}  {shown}")

    def gap(self) -> None:
        """Leaves the line on which a terminal has shown ^C."""
        if self._is_terminal:
            self.block("")

    def block(self, text: str) -> None:
        """Writes lines of our own as they are, with nothing in between."""
        with self._lock:
            try:
                self._stream.write(f"{text}\n")
                self._stream.flush()
            except (OSError, ValueError):
                # Nobody reads any more (`make dev | head`). The children's pipes are emptied all the same.
                return

    def follow(self, name: str, pipe: IO[bytes]) -> threading.Thread:
        """Copies what a process writes, but empty lines, in a thread that ends with the pipe."""
        thread = threading.Thread(target=self._copy, args=(name, pipe), daemon=True, name=f"log of {name}")
        thread.start()
        return thread

    def _copy(self, name: str, pipe: IO[bytes]) -> None:
        with pipe:
            while raw := pipe.readline(_LONGEST_LINE):
                text = raw.decode(errors="replace").rstrip()
                if text and text != _NO_NEWS:
                    self.line(name, text)
