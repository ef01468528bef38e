"""Which line of a TypeScript source a line of its JavaScript comes from. Exact enough for a syntax error.

Taking types away prints the code anew, without a source map. The words that are left are in the same order as before:
those that are there once tie the two texts together, and between two of these, the longest runs that both have.
"""

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from difflib import SequenceMatcher

MAX_CHARACTERS = 1_000_000
_MOST_BETWEEN = 300
"""Words: finding runs takes time that is their number's square, or its third power where few of them go together."""

_WORD = re.compile(r"[\w$]+|[^\s\w$;,(){}]")


def line_in_source(source: str, javascript: str, line: int) -> int | None:
    """The source's line, from 1, of this line of the JavaScript; None if it cannot be told."""
    if javascript == source:
        return line
    if max(len(source), len(javascript)) > MAX_CHARACTERS:
        return None
    written, lines = _words(source)
    ran, ran_lines = _words(javascript)
    if not ran:
        return None
    # What the error is at: the first word of the line, or what comes after it.
    at = min(bisect_left(ran_lines, line), len(ran) - 1)
    low, high = _around(at, _anchors(written, ran), len(written), len(ran))
    if at - low[0] >= _MOST_BETWEEN:
        return None
    of_ran, of_written = ran[low[0] : high[0]][:_MOST_BETWEEN], written[low[1] : high[1]][:_MOST_BETWEEN]
    nearest = None
    for block in SequenceMatcher(None, of_ran, of_written, autojunk=False).get_matching_blocks():
        first = low[0] + block.a
        if block.size and first <= at:
            nearest = lines[low[1] + block.b + min(at - first, block.size - 1)]
    return nearest


def _words(text: str) -> tuple[list[str], list[int]]:
    """The words, and their lines."""
    found = [(word[0], number) for number, line in enumerate(text.split("\n"), 1) for word in _WORD.finditer(line)]
    return [word for word, _ in found], [number for _, number in found]


def _anchors(written: Sequence[str], ran: Sequence[str]) -> list[tuple[int, int]]:
    """Places in what ran and in what was written of the words that both have once."""
    counts, ran_counts = Counter(written), Counter(ran)
    places = {word: index for index, word in enumerate(written) if counts[word] == 1}
    return [(index, places[word]) for index, word in enumerate(ran) if word in places and ran_counts[word] == 1]


def _around(
    at: int, anchors: Sequence[tuple[int, int]], written: int, ran: int
) -> tuple[tuple[int, int], tuple[int, int]]:
    """The nearest anchors, at or before this place in what ran, and after it."""
    low, high = (0, 0), (ran, written)
    for anchor in anchors:
        if anchor[0] <= at:
            low = anchor
        else:
            high = anchor
            break
    # A word may have moved (an import that is printed first): then all that follows is between.
    return low, high if high[1] > low[1] else (ran, written)
