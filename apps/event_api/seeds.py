"""`x-inngest-event-id-seed`: what an SDK sends with a POST, and again with its retry, so that nothing is doubled."""

import base64
import binascii

from apps.event_stream.ids import encode_ulid

HEADER = b"x-inngest-event-id-seed"
_ENTROPY_BYTES = 10


def read_seed(value: bytes | None) -> tuple[int, int] | None:
    """Milliseconds and entropy of the header `<ms>,<base64 of 10 bytes>`.

    None if there is none, or it cannot be read: the events are accepted then, as from a client without seeds.
    """
    if value is None:
        return None
    ms, _, text = value.partition(b",")
    try:
        entropy = base64.b64decode(text, validate=True)
    except binascii.Error:
        return None
    if not (ms.isdigit() and len(ms) <= 15 and int(ms) < 1 << 48 and len(entropy) == _ENTROPY_BYTES):
        return None
    return int(ms), int.from_bytes(entropy, "big")


def seeded_ulid(seed: tuple[int, int], index: int) -> str:
    """The id of the event at `index` of a request with this seed: its entropy's last four bytes plus the index."""
    ms, entropy = seed
    low = (entropy + index) & 0xFFFF_FFFF
    return encode_ulid(ms, entropy & ~0xFFFF_FFFF | low)
