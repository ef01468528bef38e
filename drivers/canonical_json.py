"""Canonical JSON (RFC 8785): the one way to write a value, so that both ends of a signature sign the same bytes.

An SDK often has only the parsed body, and writes it anew before it checks a signature. What we send must come out of
that unchanged, from Python as from JavaScript: numbers as JavaScript writes them, keys by their UTF-16 code units.
"""

import json
import math
import re
from collections.abc import Iterable
from decimal import Decimal
from typing import NoReturn

import msgspec

_MARKS = bytes(ord("0" if chr(byte).isdigit() else "," if chr(byte) in ":,[- \t\n\r" else "x") for byte in range(128))
_MARKS += b"x" * 128
_LONG_INTEGER = b"," + b"0" * 16
"""What ``_MARKS`` makes of a number that a double may not hold: integers of 15 digits are below 2^53."""

_PRIVATE_USE_OR_LATER = re.compile(rb"[\xee\xef]")
_ASTRAL = re.compile(rb"[\xf0-\xf4]")
_ESCAPE = re.compile(
    r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(?P<lone>u[dD][89a-fA-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)


def canonical(body: bytes) -> bytes:
    """The JSON text in its canonical form. Raises ValueError for what is not JSON, or is nested too deep.

    What not every receiver could write back as it came is replaced: a number beyond all doubles by ``null``, as in
    JavaScript, and half a surrogate pair by U+FFFD.
    """
    try:
        return _quick(body) or thorough(body)
    except RecursionError:
        raise ValueError("the text is nested too deep") from None


def thorough(body: bytes) -> bytes:
    """The same for any text, at half the speed. Raises ValueError, RecursionError."""
    text = body.decode()
    if "\\u" in text:
        text = _ESCAPE.sub(lambda found: "\\ufffd" if found["lone"] else found[0], text)
    value = json.loads(
        text, parse_int=_number, parse_float=_number, parse_constant=_refuse, object_pairs_hook=_sorted_object
    )
    return msgspec.json.encode(value)


def _number(text: str) -> msgspec.Raw:
    """The number as JavaScript writes it (ECMAScript's Number::toString)."""
    value = float(text)
    if value == 0:
        return msgspec.Raw(b"0")
    if math.isinf(value):
        return msgspec.Raw(b"null")
    shortest = repr(value)
    if "e" not in shortest:  # Python and JavaScript differ in when they turn to exponents, and in how they look
        return msgspec.Raw(shortest.removesuffix(".0").encode())
    sign, figures, exponent = Decimal(shortest).normalize().as_tuple()
    digits, point = "".join(map(str, figures)), len(figures) + int(exponent)
    if len(digits) <= point <= 21:
        written = digits.ljust(point, "0")
    elif 0 < point <= 21:
        written = f"{digits[:point]}.{digits[point:]}"
    elif -6 < point <= 0:
        written = f"0.{'0' * -point}{digits}"
    else:
        fraction = f".{digits[1:]}" if len(digits) > 1 else ""
        written = f"{digits[0]}{fraction}e{point - 1:+d}"
    return msgspec.Raw(f"{'-' if sign else ''}{written}".encode())


_decode = msgspec.json.Decoder(float_hook=_number).decode


def _quick(body: bytes) -> bytes | None:
    """By msgspec alone, or None for what it may read or order otherwise: long integers, keys beyond U+FFFF."""
    if _LONG_INTEGER in b"," + body.translate(_MARKS):
        return None
    try:
        written = msgspec.json.encode(_decode(body), order="sorted")
    except msgspec.DecodeError:  # not JSON, or half a surrogate pair
        return None
    # msgspec orders keys by code points, which is another order only between these two kinds of characters.
    if written.isascii() or not (_ASTRAL.search(written) and _PRIVATE_USE_OR_LATER.search(written)):
        return written
    return None


def _sorted_object(pairs: Iterable[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    return {key: found[key] for key in sorted(found, key=lambda key: key.encode("utf-16-be"))}


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")
