"""The JSON parser, and its complaints in words that a sender of events understands."""

import re
from typing import TypeVar

import msgspec

from apps.event_api.refusals import Refused
from apps.event_api.structure import deep_event, event_at, unpaired_surrogate

Decoded = TypeVar("Decoded")

_TYPES = {
    "str": "a string",
    "int": "a whole number",
    "float": "a number with a fraction",
    "bool": "true or false",
    "array": "an array",
    "object": "an object",
}
_WRONG_TYPE = re.compile(r"Expected `(\w+)(?: \| null)?`, got `(\w+)` - at `\$\.(\w+)`")
_OUT_OF_RANGE = re.compile(r"Integer value out of range - at `\$\.(\w+)`")
_MISSING = re.compile(r"missing required field `(\w+)`")
_OFFSET = re.compile(r"\(byte (\d+)\)$")


def decode(decoder: "msgspec.json.Decoder[Decoded]", text: bytes, depth: int, where: str = "") -> Decoded:
    """Raises Refused, naming what is wrong; `where` says which event the text is, if it is one of an array."""
    try:
        return decoder.decode(text)
    except msgspec.ValidationError as error:
        raise Refused(400, where + _wrong_field(str(error))) from error
    except msgspec.DecodeError as error:
        raise Refused(400, where + _malformed(text, str(error))) from error
    except RecursionError as error:
        raise Refused(
            400, f"{where or _prefix(deep_event(text, depth))}nested more than {depth} levels deep"
        ) from error


def require_utf8(body: bytes) -> None:
    """Raises Refused, naming the byte, for what is not UTF-8."""
    try:
        body.decode()
    except UnicodeDecodeError as error:
        prefix = _prefix(event_at(body, error.start))
        raise Refused(400, f"{prefix}the body is not UTF-8 at byte {error.start}") from error


def _wrong_field(complaint: str) -> str:
    if match := _WRONG_TYPE.search(complaint):
        expected, found, field = match.groups()
        return f'"{field}" must be {_TYPES.get(expected, expected)}, not {_TYPES.get(found, found)}'
    if match := _MISSING.search(complaint):
        return f'"{match[1]}" is missing'
    if match := _OUT_OF_RANGE.search(complaint):
        return f'"{match[1]}" is out of range'
    return complaint


def _malformed(text: bytes, complaint: str) -> str:
    """The parser's complaint. Of half a surrogate pair it says several things, most of them misleading."""
    surrogate = unpaired_surrogate(text)
    if surrogate is not None:
        escape = text[surrogate : surrogate + 6].decode(errors="replace")
        return f"{_prefix(event_at(text, surrogate))}unpaired surrogate escape {escape} (byte {surrogate})"
    if "truncated" in complaint:
        return f"{_prefix(event_at(text, len(text)))}JSON ends too soon (byte {len(text)})"
    match = _OFFSET.search(complaint)
    return f"{_prefix(event_at(text, int(match[1])) if match else None)}{complaint}"


def _prefix(index: int | None) -> str:
    return "" if index is None else f"event {index}: "
