"""How deep JSON text nests, without parsing it: for whoever takes events in."""

import re
from itertools import accumulate

_STRING = re.compile(rb'"[^"]*"?')
STEP = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1, ord(","): 0}
"""What each sign of the structure does to the depth."""
_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))


def without_strings(text: bytes) -> bytes:
    """JSON text without its strings, also one that does not end."""
    # Escapes go first: a pattern that steps over them remembers each, and 32 MB of them would take two gigabytes.
    return _STRING.sub(b"", text.replace(rb"\\", b"").replace(rb"\"", b""))


def is_deeper(text: bytes, limit: int) -> bool:
    """Whether arrays and objects nest more than `limit` deep. Cheap for text with few of them."""
    if text.count(b"[") + text.count(b"{") <= limit:
        return False
    brackets = without_strings(text).translate(None, _NOT_BRACKETS)
    return max(accumulate(map(STEP.__getitem__, brackets)), default=0) > limit
