"""Many texts, found in a large one in one pass: what `redaction` looks for, and where it is."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import re2

_KEY_BYTES = 16
"""RE2 looks for the beginnings of the needles; what follows is compared where it finds one."""
_MEMORY_BYTES = 64 * 1024 * 1024
_EFFORT = 1_500_000
"""What one look may cost, in comparisons of short texts: some tenths of a second."""
_STOP, _KIB = 50, 1024
"""What it costs to stop at a place, and how many bytes are compared in the time of one short comparison."""


class TooHard(Exception):
    """The text has too much in it that begins as a needle does and goes on otherwise: to tell would take too long."""


class Span(NamedTuple):
    start: int
    end: int
    name: str


class Needles:
    """Needles by text, each with the name of what it is a form of. Safe to be used by several threads."""

    def __init__(self, names: Mapping[bytes, str]) -> None:
        self._names = names
        self._by_key: dict[bytes, list[bytes]] = {}
        for needle in sorted(names, key=len, reverse=True):
            self._by_key.setdefault(needle[:_KEY_BYTES], []).append(needle)
        self._lengths = sorted({len(key) for key in self._by_key})
        options = re2.Options()
        options.encoding = re2.Options.Encoding.LATIN1
        options.max_mem = _MEMORY_BYTES
        options.never_capture = True
        options.log_errors = False
        # Sorted, what begins alike is shared: otherwise a thousand of them take a hundred times as long.
        self._pattern = re2.compile(b"|".join(map(re2.escape, sorted(self._by_key))), options)

    def find(self, text: bytes) -> Iterator[Span]:
        """Each place where one of them begins, with the longest that does; they may overlap. Raises TooHard."""
        if not self._by_key:
            return
        left = _EFFORT
        found = self._pattern.search(text)
        while found:
            start = found.start()
            needle, cost = self._at(text, start)
            left -= cost
            if needle is not None:
                yield Span(start, start + len(needle), self._names[needle])
            if left < 0:
                raise TooHard
            found = self._pattern.search(text, start + 1)

    def unfinished(self, text: bytes, end: int, least: int) -> Span | None:
        """The longest beginning of one of them, of `least` bytes or more, with which the text stops at `end`. Raises
        TooHard."""
        longest: Span | None = None
        left = _EFFORT
        for needle, name in self._names.items():
            first = max(end - len(needle), 0)
            start = text.find(needle[:least], first, end)
            while start >= 0:
                left -= _STOP + (end - start) // _KIB
                if left < 0:
                    raise TooHard
                if needle.startswith(text[start:end]):
                    if longest is None or start < longest.start:
                        longest = Span(start, end, name)
                    break
                start = text.find(needle[:least], start + 1, end)
        return longest

    def _at(self, text: bytes, start: int) -> tuple[bytes | None, int]:
        """The longest that begins there, and what it cost to tell."""
        longest: bytes | None = None
        cost = _STOP
        for length in self._lengths:
            for needle in self._by_key.get(text[start : start + length], ()):
                cost += 1 + len(needle) // _KIB
                if text.startswith(needle, start):
                    if longest is None or len(needle) > len(longest):
                        longest = needle
                    break
        return longest, cost
