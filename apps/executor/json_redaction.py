"""Where in JSON text a needle really stands: inside a string or a number, and not across what is between them."""

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import msgspec

from apps.executor.needles import Span

_SPECIAL = re.compile(rb"\\u00(?:[01][0-9a-fA-F]|22|5[cC])")
"""Escapes that stay escapes, because the characters may not stand in a string."""
_NUMBER = frozenset(b"+-.0123456789eE")
_PAIR, _ESCAPE = b"\0\0", b"\1"
"""Stand for two backslashes, and for one that is left alone; JSON text has no such characters."""


class Place(NamedTuple):
    """A part of JSON text that is to be replaced."""

    start: int
    end: int
    name: str
    is_number: bool


def canonical(data: bytes) -> bytes:
    """The same JSON, with each character written in one way: as msgspec does. Quick: C code only, in the usual case."""
    if b"\\" not in data:
        return data
    data = data.replace(b"\\\\", _PAIR).replace(b"\\/", b"/")
    if b"\\u" in data:
        data = _SPECIAL.sub(_as_usual, data)
        text = data.decode().encode("raw_unicode_escape").decode("raw_unicode_escape")
        # Two escapes may be one character; half a one stays an escape.
        text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
        data = text.encode("utf-8", "backslashreplace")
    return data.replace(_PAIR, b"\\\\").replace(_ESCAPE, b"\\")


def places_in_json(data: bytes, spans: Iterable[Span]) -> Iterator[Place]:
    """Of canonical JSON, in order; what is found across strings, or in the middle of an escape, is passed over."""
    # Of the same length, and every quote in it begins or ends a string.
    shadow = data.replace(b"\\\\", _PAIR).replace(b'\\"', _PAIR)
    counted, quotes = 0, 0
    for start, end, name in spans:
        quotes += shadow.count(b'"', counted, start)
        counted = start
        if quotes % 2:
            if b'"' not in shadow[start:end] and not _is_within_escape(data, start):
                yield Place(start, end, name, is_number=False)
        elif _NUMBER.issuperset(data[start:end]):
            yield _number_around(data, start, end, name)


def _number_around(data: bytes, start: int, end: int, name: str) -> Place:
    while start and data[start - 1] in _NUMBER:
        start -= 1
    while end < len(data) and data[end] in _NUMBER:
        end += 1
    return Place(start, end, name, is_number=True)


def _is_within_escape(data: bytes, start: int) -> bool:
    """Whether the backslash before it is the first half of it. (`\\u00..`, as of a NUL, is no part of any needle.)"""
    before = start
    while before and data[before - 1] == ord("\\"):
        before -= 1
    return (start - before) % 2 == 1


def _as_usual(found: "re.Match[bytes]") -> bytes:
    character = chr(int(found[0][2:], 16))
    if character == "\\":
        return _PAIR
    return _ESCAPE + msgspec.json.encode(character)[2:-1]
