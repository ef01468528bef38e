"""How deep JSON text nests, without parsing it: for whoever takes events in."""

from itertools import accumulate

PIECE_BYTES = 64 * 1024
STEP = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1, ord(","): 0}
"""What each sign of the structure does to the depth."""
_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))


def without_strings(text: bytes) -> bytes:
    """JSON text without its strings, also one that does not end."""
    # In pieces, since each part costs a hundred times a quotation mark, and other threads are to have their turn.
    kept: list[bytes] = []
    start, inside = 0, False
    while start < len(text):
        piece = text[start : start + PIECE_BYTES]
        if (len(piece) - len(piece.rstrip(b"\\"))) % 2:  # half an escape
            piece = text[start : start + PIECE_BYTES + 1]
        start += len(piece)
        parts = piece.replace(rb"\\", b"").replace(rb"\"", b"").split(b'"')
        kept.append(b"".join(parts[inside::2]))
        inside ^= len(parts) % 2 == 0
    return b"".join(kept)


def is_deeper(text: bytes, limit: int) -> bool:
    """Whether arrays and objects nest more than `limit` deep. Cheap for text with few of them."""
    if text.count(b"[") + text.count(b"{") <= limit:
        return False
    brackets = without_strings(text).translate(None, _NOT_BRACKETS)
    return max(accumulate(map(STEP.__getitem__, brackets)), default=0) > limit
