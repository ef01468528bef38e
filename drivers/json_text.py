"""Is this text JSON, and what status does it carry? Without building the value.

Outputs are kept as text, so that what a Python or Postgres value cannot hold (``1e400000``, ``\\u0000``, a lone
``\\ud800``) passes through byte for byte. msgspec checks the common case in well under a microsecond.
"""

import re
from collections.abc import Iterator

import msgspec

MAX_DEPTH = 2_000
"""Levels of nesting that a step may give back: twice what an event may have."""


class NotJSON(ValueError):
    """The text is not JSON."""


class TooDeep(ValueError):
    """The text may be JSON, but is nested deeper than ``MAX_DEPTH``."""


class _Top(msgspec.Struct, rename={"status_code": "statusCode"}):
    status: msgspec.Raw = msgspec.Raw()
    status_code: msgspec.Raw = msgspec.Raw()


_decode_object = msgspec.json.Decoder(_Top).decode
_decode_any = msgspec.json.Decoder(msgspec.Raw).decode

_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
_TOKEN = re.compile(
    r"""[ \t\n\r]*+(?:
        (?P<mark>[{}\[\],:])
      | (?P<string>"(?:[^"\\\x00-\x1f]++|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*+")
      | (?P<scalar>-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?(?:[eE][+-]?[0-9]++)?|true|false|null)
      | (?P<end>\Z)
    )""",
    re.VERBOSE,
)
_VALUE = frozenset({"{", "[", "string", "scalar"})
_FIELDS = {'"status"': "status", '"statusCode"': "status_code"}
_MAY_FOLLOW = {
    "value": _VALUE,
    "first item": _VALUE | {"]"},
    "key": frozenset({"string"}),
    "first key": frozenset({"string", "}"}),
    "colon": frozenset({":"}),
    "comma": frozenset({",", "]", "}"}),
    "end": frozenset({"end"}),
}


def status_of(data: bytes) -> float | None:
    """The ``status`` (else ``statusCode``) number at the top level of a JSON object, or None.

    ``data`` is valid UTF-8. Raises NotJSON or TooDeep.
    """
    try:
        top = _check(data)
    except RecursionError:
        top = _walk(data.decode())
    except msgspec.DecodeError:
        # msgspec takes half a surrogate pair for a truncated text. Other escapes in its place leave the
        # grammar as it is, and only the grammar matters here.
        try:
            top = _check(_SURROGATE.sub(rb"\\u00", data))
        except RecursionError:
            top = _walk(data.decode())
        except msgspec.DecodeError as fault:
            raise NotJSON(str(fault)) from None
    status = _number(top.status)
    return _number(top.status_code) if status is None else status


def _check(data: bytes) -> _Top:
    if data.lstrip(b" \t\n\r")[:1] == b"{":
        return _decode_object(data)
    _decode_any(data)
    return _Top()


def _number(raw: msgspec.Raw) -> float | None:
    text = bytes(raw)
    return float(text) if text[:1] in b"-0123456789" and text else None


def _walk(text: str) -> _Top:
    """Check a text that is too deep for recursion, piece by piece."""
    top = _Top()
    open_until: list[str] = []
    key = ""
    expected = "value"
    for kind, piece in _pieces(text):
        if kind not in _MAY_FOLLOW[expected]:
            raise NotJSON(f"{piece or 'the end'} instead of {expected}")
        if kind in ("[", "{"):
            open_until.append("]" if kind == "[" else "}")
            if len(open_until) > MAX_DEPTH:
                raise TooDeep(f"nested deeper than {MAX_DEPTH:,} levels")
            expected = "first item" if kind == "[" else "first key"
        elif kind == ",":
            expected = "value" if open_until[-1] == "]" else "key"
        elif kind == ":":
            expected = "value"
        elif expected in ("key", "first key") and kind == "string":
            key, expected = piece, "colon"
        else:
            if kind in ("]", "}") and open_until.pop() != kind:
                raise NotJSON(f"{kind} closes nothing")
            if open_until == ["}"] and key in _FIELDS and kind == "scalar":
                setattr(top, _FIELDS[key], msgspec.Raw(piece.encode()))
            expected = "comma" if open_until else "end"
    return top


def _pieces(text: str) -> Iterator[tuple[str, str]]:
    at = 0
    while match := _TOKEN.match(text, at):
        at = match.end()
        kind, piece = match.lastgroup or "", match[match.lastindex or 0]
        yield (piece if kind == "mark" else kind), piece
        if kind == "end":
            return
    raise NotJSON(f"unreadable at character {at:,}")
