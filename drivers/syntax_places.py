"""Where in a TypeScript source a syntax error is: OXC's transform says what is wrong, but not where.

So its parser is asked. A character that no source may have, put in at some place, is what it complains of if it gets
that far; with the character put in beyond the error, it complains of the error alone. Halving finds the line between,
in some ten parses of a millisecond. What a parser makes of strings, comments and templates is so never guessed.
"""

import re
from bisect import bisect_right
from collections.abc import Callable
from itertools import islice
from typing import NamedTuple

MAX_PROBLEMS = 10
_MOST_TOKENS = 64
_MOST_OPENINGS = 200
_SMALL, _LARGE = 100_000, 1_000_000
"""Characters: of a source longer than the one only lines are looked for, of one longer than the other nothing."""
_TOKEN = re.compile(r"[\w$]+|[^\s\w$]")

Parse = Callable[[str], list[str]]
"""The problems of a source, in no certain order."""


class Place(NamedTuple):
    """Both from 1, as far as they are known."""

    line: int | None = None
    column: int | None = None


def places(source: str, problems: list[str], parse: Parse) -> list[Place]:
    """Where each of these problems is, which `parse` has with the source."""
    mark = next((mark for mark in "\x01\x02\x03\x04\x05\x06" if mark not in source), "")
    if not mark or len(source) > _LARGE:
        return [Place()] * len(problems)
    search = _Search(source, mark, parse)
    return [search.place(problem, problems[:index].count(problem)) for index, problem in enumerate(problems)]


class _Search:
    def __init__(self, source: str, mark: str, parse: Parse) -> None:
        self._source = source
        self._mark = mark
        # Whatever is open there is closed: a template, a comment, text of JSX.
        self._everywhere = f"{mark}`{mark}*/{mark}{{{mark}"
        self._parse = parse
        self._starts = [0, *(found.end() for found in re.finditer("\n", source))]
        self._asked: dict[tuple[int, str], list[str]] = {}

    def place(self, problem: str, nth: int) -> Place:
        """That of the n-th problem of this text, from 0."""
        low, high = 0, len(self._starts)  # low: a line before which the problem was not met
        while high - low > 1:
            middle = (low + high) // 2
            if self._is_before(self._everywhere, self._starts[middle], problem, nth):
                low = middle
            else:
                high = middle
        if problem.startswith("Unterminated"):
            return Place(self._opening(low) + 1)
        # The parser goes on after some problems. When it complains of those it has long passed where they begin.
        after = self._starts[high] if high < len(self._starts) else len(self._source)
        ends_here = not self._is_reached(self._everywhere, after)
        return Place(low + 1, self._column(low, problem, nth) if ends_here and len(self._source) <= _SMALL else None)

    def _opening(self, line: int) -> int:
        """The line on which what is unterminated begins: the last place that looks so, and that the parser gets to."""
        end = self._starts[line + 1] if line + 1 < len(self._starts) else len(self._source)
        openings = [found.start() for found in re.finditer(r"/\*|[`'\"/]", self._source[:end])]
        for at in reversed(openings[-_MOST_OPENINGS:]):
            if self._is_reached(self._mark, at):
                return bisect_right(self._starts, at) - 1
        return line

    def _column(self, line: int, problem: str, nth: int) -> int | None:
        start = self._starts[line]
        end = self._source.find("\n", start)
        found = _TOKEN.finditer(self._source, start, end if end >= 0 else len(self._source))
        tokens = [token.start() for token in islice(found, _MOST_TOKENS + 1)]
        if len(tokens) > _MOST_TOKENS:
            return None
        # Backwards, for halving could end in a string, where the mark is allowed.
        at = next((at for at in reversed(tokens) if self._is_before(self._mark, at, problem, nth)), None)
        return None if at is None else at - start + 1

    def _is_before(self, text: str, at: int, problem: str, nth: int) -> bool:
        return self._is_reached(text, at) and self._problems(text, at).count(problem) <= nth

    def _is_reached(self, text: str, at: int) -> bool:
        return any(self._mark in one for one in self._problems(text, at))

    def _problems(self, text: str, at: int) -> list[str]:
        """What the parser says with this text put in there."""
        if (at, text) not in self._asked:
            self._asked[at, text] = self._parse(self._source[:at] + text + self._source[at:])
        return self._asked[at, text]
