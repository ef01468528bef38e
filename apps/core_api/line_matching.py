"""Which lines two texts have in common: the standard library's `difflib`, with an end to its work.

By itself it takes a time that grows with the cube of what hostile texts are made of.
"""

from collections.abc import Sequence
from difflib import Match, SequenceMatcher
from itertools import accumulate, takewhile
from typing import TypeAlias

Opcode: TypeAlias = tuple[str, int, int, int, int]
"""What is done ("equal", "replace", …), and where: the old lines from and to, the new ones from and to."""


class Work:
    """How many steps may still be done, for all texts of one answer together."""

    def __init__(self, steps: int) -> None:
        self.left = steps

    def take(self, steps: int) -> bool:
        """Whether there were so many left."""
        enough = steps <= self.left
        self.left -= steps if enough else 0
        return enough


def hunks(old: Sequence[str], new: Sequence[str], context: int, work: Work) -> list[list[Opcode]]:
    """What differs, with `context` lines around it, in order; nothing if nothing does.

    Where the work is used up, lines that are the same may be told as changed ones.
    """
    return list(_BoundedMatcher(old, new, work).get_grouped_opcodes(context))


class _BoundedMatcher(SequenceMatcher[str]):
    a: Sequence[str]
    b: Sequence[str]
    b2j: dict[str, list[int]]
    """Where a line stands in `b`; those that stand there very often are left out."""

    def __init__(self, old: Sequence[str], new: Sequence[str], work: Work) -> None:
        super().__init__(None, old, new)
        self._work = work
        self._costs = list(accumulate((1 + len(self.b2j.get(line, ())) for line in old), initial=0))

    def find_longest_match(self, alo: int = 0, ahi: int | None = None, blo: int = 0, bhi: int | None = None) -> Match:
        ahi, bhi = len(self.a) if ahi is None else ahi, len(self.b) if bhi is None else bhi
        if self._work.take(self._costs[ahi] - self._costs[alo]):
            found = super().find_longest_match(alo, ahi, blo, bhi)
            if found.size:
                return found
        # Lines that are there too often are no match to difflib; at the edges they are one all the same.
        size = _same(self.a[alo:ahi], self.b[blo:bhi])
        if size:
            return Match(alo, blo, size)
        size = _same(self.a[alo:ahi][::-1], self.b[blo:bhi][::-1])
        return Match(ahi - size, bhi - size, size)


def _same(lines: Sequence[str], others: Sequence[str]) -> int:
    """How many of the first lines are the same."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(lines, others, strict=False)))
