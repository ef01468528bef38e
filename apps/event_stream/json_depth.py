"""How deep JSON text nests, without parsing it: for whoever takes events in."""

import re
from itertools import accumulate

STRING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*(?:"|\Z)', re.DOTALL)
"""A string of JSON text, also one that does not end."""
STEP = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1, ord(","): 0}
"""What each sign of the structure does to the depth."""
_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))


def is_deeper(text: bytes, limit: int) -> bool:
    """Whether arrays and objects nest more than `limit` deep. Cheap for text with few of them."""
    if text.count(b"[") + text.count(b"{") <= limit:
        return False
    brackets = STRING.sub(b"", text).translate(None, _NOT_BRACKETS)
    return max(accumulate(map(STEP.__getitem__, brackets)), default=0) > limit
