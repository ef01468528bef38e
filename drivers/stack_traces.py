"""A guest's stack trace, in terms of the author's own files.

Taking types away prints the code anew, without a source map, so lines shift. Words and pairs of words that occur
once in the source and once in what became of it tie the two together; nearly every line has one.
"""

import re
from collections import Counter
from collections.abc import Callable, Mapping
from itertools import pairwise

_FRAME = re.compile(r"(?P<path>[^\s():]+):(?P<line>\d{1,7}):(?P<column>\d{1,7})")
_WORD = re.compile(r"[\w$]+")
_Grams = dict[tuple[str, ...], tuple[int, int]]
_PRELUDE = "eval_script:"
_MOST_LINES, _LONGEST_LINE, _LARGEST_FILE = 40, 400, 200_000


def readable(stack: str, files: Mapping[str, bytes], javascript: Callable[[str], str | None]) -> str:
    """The trace without our own frames, its lines those of ``files``; ``javascript(path)`` is what ran.

    A trace is a text like any other to the code that throws: it may be forged, and must not keep us busy for long.
    """
    grams: dict[str, tuple[_Grams, _Grams] | None] = {}

    def in_source(frame: re.Match[str]) -> str:
        path = frame["path"]
        if path not in grams:
            content = files.get(path, b"")
            ran = javascript(path) if 0 < len(content) <= _LARGEST_FILE else None
            source = None if ran is None else content.decode("utf-8-sig", errors="replace")
            grams[path] = None if source is None or ran is None or ran == source else (_once(source), _once(ran))
        known = grams[path]
        if known is None:
            return frame[0]
        return f"{path}:{_line_in_source(*known, int(frame['line']), int(frame['column']))}"

    lines = [line[:_LONGEST_LINE] for line in stack.splitlines() if _PRELUDE not in line]
    return "\n".join(_FRAME.sub(in_source, line, count=1) for line in lines[:_MOST_LINES])


def _line_in_source(written: _Grams, ran: _Grams, line: int, column: int) -> int:
    """The source line (from 1) that a position in what ran came from, as near as the words tell."""
    # The nearest on the line itself, else on the last line above that has one.
    nearest: tuple[int, int, int] | None = None
    for gram, (ran_line, ran_column) in ran.items():
        if gram not in written or ran_line > line:
            continue
        distance = (line - ran_line, abs(ran_column - column))
        if nearest is None or distance < nearest[:2]:
            nearest = (*distance, written[gram][0])
    return nearest[2] + nearest[0] if nearest else line


def _once(text: str) -> _Grams:
    """Words and pairs of words that occur once, with their line and column, both from 1."""
    words = [
        (word[0], (number, word.start() + 1))
        for number, line in enumerate(text.splitlines(), 1)
        for word in _WORD.finditer(line)
    ]
    grams: list[tuple[tuple[str, ...], tuple[int, int]]] = [((word,), place) for word, place in words]
    grams += [((first, second), place) for (first, place), (second, _) in pairwise(words)]
    counts = Counter(gram for gram, _ in grams)
    return {gram: place for gram, place in grams if counts[gram] == 1}
