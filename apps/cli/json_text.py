"""JSON as steps and senders wrote it: lone surrogates, `1e400000` and 1,000 levels are in it now and then."""

import json
import math
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec

_MAX_LEVELS = 20_000
_STEERING = {
    code: f"\\u{code:04x}"
    for code in (*range(127, 160), 0x2028, 0x2029, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
}
"""What JSON leaves as it is in a string, and a terminal may act on."""


def decode(content: bytes) -> Any:
    """The values of JSON text; None of an empty one. Raises ValueError for what is no JSON at all."""
    if not content.strip():
        return None
    try:
        return msgspec.json.decode(content)
    except (msgspec.MsgspecError, RecursionError):
        with deep():
            # A number beyond what a float can be becomes the largest one: infinity is no JSON.
            return json.loads(content, parse_float=_finite)


def encode(value: object, indent: int = 2) -> str:
    """JSON text that is safe to print, on one line with `indent` 0. `bytes` are JSON text, and keep their numbers."""
    try:
        text = value if isinstance(value, bytes) else msgspec.json.encode(value)
        formatted = msgspec.json.format(text, indent=indent or -1).decode()
    except (UnicodeError, msgspec.MsgspecError, RecursionError):
        if isinstance(value, bytes):
            formatted = value.decode(errors="replace")
        else:
            with deep():
                formatted = json.dumps(value)
    return formatted.translate(_STEERING)


def _finite(text: str) -> float:
    number = float(text)
    return number if math.isfinite(number) else math.copysign(sys.float_info.max, number)


@contextmanager
def deep() -> Iterator[None]:
    """Lets parsers go some 20,000 levels deep. Raises ValueError for what is deeper."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(max(before, _MAX_LEVELS))
    try:
        yield
    except RecursionError:
        raise ValueError("JSON that is nested too deeply") from None
    finally:
        sys.setrecursionlimit(before)
