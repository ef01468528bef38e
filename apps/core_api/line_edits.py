"""What turns one list of lines into another: Myers' algorithm, with an end to its work.

The standard library's `difflib` takes a time that grows with the cube of what hostile texts are made of.
"""

from array import array
from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

MAX_EDITS = 1_000

_Reached: TypeAlias = "array[int]"
"""How far into the old lines each diagonal gets: by the diagonal's number, those below 0 from the end; -1: nowhere."""


class Work:
    """How many steps may still be done, for all texts of one answer together."""

    def __init__(self, steps: int) -> None:
        self.left = steps


class Block(NamedTuple):
    """Lines `old_start` to `old_end` become `new_start` to `new_end`; what is between blocks is the same in both."""

    old_start: int
    old_end: int
    new_start: int
    new_end: int


def changed_blocks(old: Sequence[str], new: Sequence[str], work: Work) -> list[Block]:
    """What differs, in order. Where more than MAX_EDITS lines do, or the work is used up, it is one block."""
    start = 0
    while start < min(len(old), len(new)) and old[start] == new[start]:
        start += 1
    end = 0
    while end < min(len(old), len(new)) - start and old[-1 - end] == new[-1 - end]:
        end += 1
    inner_old, inner_new = old[start : len(old) - end], new[start : len(new) - end]
    if not (inner_old or inner_new):
        return []
    trace = _trace(inner_old, inner_new, work) if inner_old and inner_new else None
    if trace is None:
        return [Block(start, start + len(inner_old), start, start + len(inner_new))]
    return [
        Block(start + one.old_start, start + one.old_end, start + one.new_start, start + one.new_end)
        for one in _blocks(trace, len(inner_old), len(inner_new))
    ]


def _trace(old: Sequence[str], new: Sequence[str], work: Work) -> list[_Reached] | None:
    """What was reached before each number of edits. None where that takes too long."""
    reached = array("i", [-1]) * (2 * MAX_EDITS + 3)
    reached[1] = 0
    trace: list[_Reached] = []
    for edits in range(MAX_EDITS + 1):
        trace.append(reached)
        reached = reached[:]
        for diagonal in range(-edits, edits + 1, 2):
            x = _next_x(trace[-1], diagonal, edits)
            begun, y = x, x - diagonal
            while x < len(old) and y < len(new) and old[x] == new[y]:
                x, y = x + 1, y + 1
            reached[diagonal] = x
            work.left -= 1 + x - begun
            if x >= len(old) and y >= len(new):
                return trace
            if work.left < 0:
                return None
    return None


def _next_x(reached: _Reached, diagonal: int, edits: int) -> int:
    return reached[diagonal + 1] if _is_down(reached, diagonal, edits) else reached[diagonal - 1] + 1


def _is_down(reached: _Reached, diagonal: int, edits: int) -> bool:
    """Whether the edit that leads to this diagonal is down, an added line, or to the right, a removed one."""
    return diagonal == -edits or (diagonal != edits and reached[diagonal - 1] < reached[diagonal + 1])


def _blocks(trace: list[_Reached], x: int, y: int) -> list[Block]:
    """The way back along the trace."""
    blocks: list[Block] = []
    for edits in range(len(trace) - 1, 0, -1):
        reached, diagonal = trace[edits], x - y
        down = _is_down(reached, diagonal, edits)
        before = diagonal + 1 if down else diagonal - 1
        from_x, from_y = reached[before], reached[before] - before
        to_x, to_y = (from_x, from_y + 1) if down else (from_x + 1, from_y)
        if blocks and (blocks[-1].old_start, blocks[-1].new_start) == (to_x, to_y):
            last = blocks.pop()
            blocks.append(Block(from_x, last.old_end, from_y, last.new_end))
        else:
            blocks.append(Block(from_x, to_x, from_y, to_y))
        x, y = from_x, from_y
    return blocks[::-1]
