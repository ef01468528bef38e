"""Numbers and text as they are written in an expression."""

import re

from apps.expressions.errors import SourceFault
from apps.expressions.values import MAX_INT, MAX_UINT, MIN_INT, UInt, Value

_SIMPLE = {
    "a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v",
    "\\": "\\", "?": "?", '"': '"', "'": "'", "`": "`",
}  # fmt: skip
_ESCAPE = re.compile(
    r"\\(?:([abfnrtv\\?\"'`])|[xX]([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-3][0-7]{2})|)"
)
_PREFIXED = re.compile(r"""([rRbB]{0,2})("{3}|'{3}|"|')""")


def read_number(written: str, negative: bool, offset: int) -> Value:
    """Raises SourceFault for what does not fit into 64 bits."""
    sign = -1 if negative else 1
    if written[-1] in "uU":
        if negative:
            raise SourceFault("an unsigned number cannot be negative", offset)
        whole = _whole(written[:-1])
        if whole > MAX_UINT:
            raise SourceFault("the number does not fit into 64 bits", offset)
        return UInt(whole)
    if written[:2] in ("0x", "0X") or written.isdigit():
        whole = sign * _whole(written)
        if not MIN_INT <= whole <= MAX_INT:
            raise SourceFault("the number does not fit into 64 bits", offset)
        return whole
    return sign * float(written)


def _whole(written: str) -> int:
    if len(written) > 4_000:  # what Python converts at all
        return MAX_UINT + 1
    return int(written, 16) if written[:2] in ("0x", "0X") else int(written)


def read_text(written: str, offset: int) -> str | bytes:
    """A literal with its quotes and its prefix. Raises SourceFault for an escape that means nothing."""
    match = _PREFIXED.match(written)
    assert match is not None
    prefix, quotes = match[1].lower(), match[2]
    inner = written[match.end() : -len(quotes)]
    if "r" in prefix:
        return inner.encode(errors="surrogatepass") if "b" in prefix else inner
    parts: list[str | bytes] = []
    position = 0
    for escape in _ESCAPE.finditer(inner):
        parts.append(inner[position : escape.start()])
        parts.append(_escaped(escape, "b" in prefix, offset + match.end() + escape.start()))
        position = escape.end()
    parts.append(inner[position:])
    if "b" in prefix:
        return b"".join(part if isinstance(part, bytes) else part.encode(errors="surrogatepass") for part in parts)
    return "".join(part for part in parts if isinstance(part, str))


def _escaped(escape: re.Match[str], in_bytes: bool, offset: int) -> str | bytes:
    simple, two, four, eight, octal = escape.groups()
    if simple:
        return _SIMPLE[simple]
    code = int(octal, 8) if octal else int(two or four or eight or "-1", 16)
    if (octal or two) and in_bytes:
        return bytes((code,))
    if code < 0:
        raise SourceFault("an escape that means nothing; a backslash itself is written twice", offset)
    if 0xD800 <= code < 0xE000 or code > 0x10FFFF:
        raise SourceFault("an escape for what is no character", offset)
    return chr(code)
