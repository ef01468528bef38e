"""Texts compared: unified diffs, of which a hostile pair cannot make more work than of any other."""

from collections.abc import Sequence

import msgspec

from apps.core_api.line_matching import Opcode, Work, hunks
from apps.event_stream.json_depth import without_strings

MAX_BYTES = 256 * 1024
"""Of a text, and of its other version, of which a diff is made; larger ones are for a program on the reader's side."""
MAX_LINES = 5_000
"""Of such a text."""
ANSWER_BYTES = 1024 * 1024
"""Of all the texts that are compared for one answer."""
ANSWER_STEPS = 1_000_000
"""Of the comparison; measured, they take 0.2 s at worst."""
TEXT_STEPS = ANSWER_STEPS // 3
"""Of one comparison: what is left is for the other texts."""
STEPS_OF_A_LINE = 10
"""What it costs to take a line in and to show it."""
CONTEXT = 3

_NO_END = "\n\\ No newline at end of file\n"


class Differ:
    """The diffs of one answer."""

    def __init__(self) -> None:
        self._bytes = ANSWER_BYTES
        self._work = Work(ANSWER_STEPS)

    def may_compare(self, *sizes: int) -> bool:
        """Whether there is still room for texts of so many bytes; asked before they are read."""
        if max(sizes) > MAX_BYTES or sum(sizes) > self._bytes:
            return False
        self._bytes -= sum(sizes)
        return True

    def diff(self, old: bytes | None, new: bytes | None, old_name: str, new_name: str) -> str | None:
        """From one text to another; None stands for what is not there. "" if they are the same, None if one is no
        text, or has too many lines, or what may be done for one answer is done."""
        texts = (old or b"", new or b"")
        ends = [text.count(b"\n") for text in texts]
        if any(b"\0" in text for text in texts) or max(ends) > MAX_LINES:
            return None
        if not self._work.take((1 + sum(ends)) * STEPS_OF_A_LINE):
            return None
        try:
            old_lines, new_lines = _lines(texts[0]), _lines(texts[1])
        except UnicodeDecodeError:
            return None
        share = Work(min(TEXT_STEPS, self._work.left))
        given = share.left
        found = hunks(old_lines, new_lines, CONTEXT, share)
        self._work.take(given - share.left)
        if not found:
            return ""
        names = ("/dev/null" if old is None else old_name, "/dev/null" if new is None else new_name)
        return f"--- {names[0]}\n+++ {names[1]}\n" + "".join(_hunk(old_lines, new_lines, hunk) for hunk in found)


def pretty(definition: str) -> bytes | None:
    """JSON text as a person compares it: a line for each field, in the order of their names. None for too many."""
    # Seen beforehand: indented, what nests deeply is a hundred times as long.
    structure = without_strings(definition.encode())
    if sum(map(structure.count, (b",", b"[", b"]", b"{", b"}"))) > MAX_LINES:
        return None
    # Decoded without types: a definition that was stored by another release may have other fields.
    return msgspec.json.format(msgspec.json.encode(msgspec.json.decode(definition), order="sorted"), indent=2) + b"\n"


def _lines(text: bytes) -> list[str]:
    """With their ends. Only a line feed ends one: not what else Unicode knows."""
    lines = text.decode().split("\n")
    last = lines.pop()
    return [f"{line}\n" for line in lines] + ([last] if last else [])


def _hunk(old: Sequence[str], new: Sequence[str], opcodes: Sequence[Opcode]) -> str:
    (_, old_start, _, new_start, _), (_, _, old_end, _, new_end) = opcodes[0], opcodes[-1]
    parts = [f"@@ -{_range(old_start, old_end)} +{_range(new_start, new_end)} @@\n"]
    for kind, old_from, old_to, new_from, new_to in opcodes:
        if kind == "equal":
            parts += [_shown(" ", line) for line in old[old_from:old_to]]
        else:
            parts += [_shown("-", line) for line in old[old_from:old_to]]
            parts += [_shown("+", line) for line in new[new_from:new_to]]
    return "".join(parts)


def _shown(sign: str, line: str) -> str:
    return sign + line if line.endswith("\n") else sign + line + _NO_END


def _range(start: int, end: int) -> str:
    """As `patch` reads it: lines are counted from 1, and an empty range names the line before it."""
    count = end - start
    return str(start + 1) if count == 1 else f"{start + 1 if count else start},{count}"
