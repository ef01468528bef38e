"""The structure of JSON text beneath its values: how deep it is, which event a byte is in, broken escapes.

Only looked at where the parser has said that something is wrong, or might be.
"""

import re
from itertools import accumulate

from apps.event_stream.json_depth import STEP, without_strings

_NOT_STRUCTURE = bytes(set(range(256)) - set(b"[]{},"))

# Every escape is stepped over, so that the second backslash of `\\ud800` begins none. A pair is one match; what begins
# like half of one and is not part of a pair is the second group.
_ESCAPE = re.compile(rb"\\(?:u[dD][89abAB]..\\u[dD][c-fC-F]..|(u[dD][89a-fA-F])|.)", re.DOTALL)

INDEXED_BYTES = 1 << 20
"""How far into a body the number of an event is counted for a message: more would hold up other requests."""

COMMAS_TAKEN_UNSEEN = 200_000
"""An array of so many elements may be parsed, and then refused. One of 16 million would take a gigabyte."""


def event_at(body: bytes, offset: int) -> int | None:
    """The index of the event in an array of events that this byte belongs to, if it is not too far in to say."""
    if not body.lstrip().startswith(b"[") or offset > INDEXED_BYTES:
        return None
    structure = without_strings(body[:offset]).translate(None, _NOT_STRUCTURE)
    depths = accumulate(map(STEP.__getitem__, structure))
    return sum(depth == 1 and sign == ord(",") for sign, depth in zip(structure, depths, strict=True))


def has_more_events(body: bytes, limit: int) -> bool:
    """Whether an array has more than `limit` elements; looked at only where there are commas enough to fear it."""
    if body.count(b",") <= COMMAS_TAKEN_UNSEEN:
        return False
    depth = commas = 0
    for sign in without_strings(body).translate(None, _NOT_STRUCTURE):
        step = STEP[sign]
        if step == 0 and depth == 1:
            commas += 1
            if commas >= limit:
                return True
        else:
            depth += step
    return False


def deep_event(body: bytes, limit: int) -> int | None:
    """The index of the first event in an array of events that nests more than `limit` deep."""
    structure = without_strings(body).translate(None, _NOT_STRUCTURE)
    index = 0
    for sign, depth in zip(structure, accumulate(map(STEP.__getitem__, structure)), strict=True):
        if depth == 1 and sign == ord(","):
            index += 1
        if depth > limit + 1:
            return index
    return None


def unpaired_surrogate(text: bytes) -> int | None:
    r"""Where a `\ud800` to `\udfff` stands without its other half: no Unicode text can hold it."""
    return next((match.start() for match in _ESCAPE.finditer(text) if match[1]), None)
