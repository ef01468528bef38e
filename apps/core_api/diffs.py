"""Texts compared: unified diffs, of which a hostile pair cannot make more work than of any other."""

from collections.abc import Sequence
from itertools import pairwise

import msgspec

from apps.core_api.line_edits import Block, Work, changed_blocks

MAX_BYTES = 1024 * 1024
"""Of a text of which a diff is made; larger ones are for a program on the reader's side."""
ANSWER_BYTES = 4 * 1024 * 1024
"""Of all the texts that are compared for one answer."""
ANSWER_STEPS = 2_000_000
"""About two seconds."""
CONTEXT = 3

_NO_END = "\n\\ No newline at end of file\n"


class Differ:
    """The diffs of one answer."""

    def __init__(self) -> None:
        self._bytes = ANSWER_BYTES
        self._work = Work(ANSWER_STEPS)

    def may_compare(self, size: int) -> bool:
        """Whether there is still room for texts of this many bytes; asked before they are read."""
        if size > min(MAX_BYTES, self._bytes):
            return False
        self._bytes -= size
        return True

    def diff(self, old: bytes | None, new: bytes | None, old_name: str, new_name: str) -> str | None:
        """From one text to another; None stands for what is not there. "" if they are the same, None if one is no
        text."""
        try:
            old_lines, new_lines = _lines(old), _lines(new)
        except UnicodeDecodeError:
            return None
        if any("\0" in line for line in (*old_lines, *new_lines)):
            return None
        blocks = changed_blocks(old_lines, new_lines, self._work)
        if not blocks:
            return ""
        names = ("/dev/null" if old is None else old_name, "/dev/null" if new is None else new_name)
        return f"--- {names[0]}\n+++ {names[1]}\n" + "".join(
            _hunk(old_lines, new_lines, hunk) for hunk in _hunks(blocks)
        )


def pretty(definition: str) -> bytes:
    """JSON text as a person compares it: a line for each field, in the order of their names."""
    # Decoded without types: a definition that was stored by another release may have other fields.
    return msgspec.json.format(msgspec.json.encode(msgspec.json.decode(definition), order="sorted"), indent=2) + b"\n"


def _lines(text: bytes | None) -> list[str]:
    """With their ends. Only a line feed ends one: not what else Unicode knows."""
    lines = (text or b"").decode().split("\n")
    last = lines.pop()
    return [f"{line}\n" for line in lines] + ([last] if last else [])


def _hunks(blocks: Sequence[Block]) -> list[list[Block]]:
    """Changes that are near each other stand in one."""
    hunks = [[blocks[0]]]
    for before, block in pairwise(blocks):
        if block.old_start - before.old_end > 2 * CONTEXT:
            hunks.append([block])
        else:
            hunks[-1].append(block)
    return hunks


def _hunk(old: Sequence[str], new: Sequence[str], blocks: Sequence[Block]) -> str:
    before = min(CONTEXT, blocks[0].old_start)
    after = min(CONTEXT, len(old) - blocks[-1].old_end)
    old_start, new_start = blocks[0].old_start - before, blocks[0].new_start - before
    old_end, new_end = blocks[-1].old_end + after, blocks[-1].new_end + after
    parts = [f"@@ -{_range(old_start, old_end)} +{_range(new_start, new_end)} @@\n"]
    at = old_start
    for block in blocks:
        parts += [_shown(" ", line) for line in old[at : block.old_start]]
        parts += [_shown("-", line) for line in old[block.old_start : block.old_end]]
        parts += [_shown("+", line) for line in new[block.new_start : block.new_end]]
        at = block.old_end
    parts += [_shown(" ", line) for line in old[at:old_end]]
    return "".join(parts)


def _shown(sign: str, line: str) -> str:
    return sign + line if line.endswith("\n") else sign + line + _NO_END


def _range(start: int, end: int) -> str:
    """As `patch` reads it: lines are counted from 1, and an empty range names the line before it."""
    count = end - start
    return str(start + 1) if count == 1 else f"{start + 1 if count else start},{count}"
