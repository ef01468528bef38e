"""A request's body → events ready to be appended, or the one fault that refuses it all.

`data` and `user` are never looked into: they are slices of the body, checked for being JSON and carried through as they
came. Fields of an event that we do not know are dropped.
"""

from collections.abc import Container
from typing import NoReturn

import msgspec
from msgspec import Raw

from apps.event_api.decoding import decode, require_utf8
from apps.event_api.limits import ID_MAX_CHARS, NAME_MAX_CHARS, TS_MAX, Limits
from apps.event_api.refusals import Refused
from apps.event_api.seeds import seeded_ulid
from apps.event_api.structure import has_more_events
from apps.event_stream.json_depth import is_deeper
from apps.event_stream.new_event import NewEvent, make_event

_MISSING = Raw(b"null")
_EMPTY = Raw(b"{}")


class Sent(msgspec.Struct):
    """An event's own fields, as they were sent."""

    name: str
    data: Raw = _MISSING
    user: Raw = _MISSING
    id: str | None = None
    ts: int | None = None
    v: str | None = None


_event = msgspec.json.Decoder(Sent)
_array = msgspec.json.Decoder(list[Raw])
_anything = msgspec.json.Decoder(Raw)

_KINDS = {b'"': "a string", b"[": "an array", b"{": "an object", b"t": "true or false", b"f": "true or false"}


def parse_events(body: bytes, environment_id: int, seed: tuple[int, int] | None, limits: Limits) -> list[NewEvent]:
    """One event, or an array of them. Raises Refused, naming the fault and the event's index in the array."""
    if not body.isascii():
        require_utf8(body)
    first = body.lstrip(b" \t\r\n")[:1]
    if first == b"{":
        return [_parse_event(body, "", environment_id, seed and seeded_ulid(seed, 0), limits)]
    if first != b"[":
        _refuse_scalar(body)
    if has_more_events(body, limits.batch):
        raise Refused(413, f"more than {limits.batch} events in one request")
    raws = decode(_array, body, limits.depth)
    if not raws:
        raise Refused(400, "The array holds no events")
    if len(raws) > limits.batch:
        raise Refused(413, f"more than {limits.batch} events in one request")
    events = []
    for index, raw in enumerate(raws):
        text, where = bytes(raw), f"event {index}: "
        if text[:1] != b"{":
            raise Refused(400, f"{where}an event must be an object, not {_kind(text)}")
        events.append(_parse_event(text, where, environment_id, seed and seeded_ulid(seed, index), limits))
    return events


def read_event(text: bytes, where: str, limits: Limits, own: Container[str] = ()) -> Sent:
    """One event, all right: its payloads are objects. `where` begins what is said of a fault; `own` are names of the
    server's own events that may be sent. Raises Refused."""
    if len(text) > limits.event_bytes:
        raise Refused(413, f"{where}{len(text)} bytes of JSON; the limit for an event is {limits.event_bytes}")
    if is_deeper(text, limits.depth):
        raise Refused(400, f"{where}nested more than {limits.depth} levels deep")
    event = decode(_event, text, limits.depth, where)
    _check_name(event.name, where, own)
    if event.id is not None:
        _check_id(event.id, where)
    if event.ts is not None and not 0 <= event.ts <= TS_MAX:
        raise Refused(400, f'{where}"ts" must be milliseconds since 1970, from 0 to {TS_MAX}')
    event.data = _object(event.data, "data", where)
    event.user = _object(event.user, "user", where)
    return event


def _parse_event(text: bytes, where: str, environment_id: int, receipt_id: str | None, limits: Limits) -> NewEvent:
    event = read_event(text, where, limits)
    return make_event(
        environment_id,
        event.name,
        event.data,
        user=event.user,
        event_id=event.id,
        ts=event.ts,
        v=event.v,
        internal_id=receipt_id if event.id is None else None,
        receipt_id=receipt_id,
    )


def _check_name(name: str, where: str, own: Container[str]) -> None:
    if not name:
        raise Refused(400, f'{where}"name" is empty')
    if len(name) > NAME_MAX_CHARS:
        raise Refused(400, f'{where}"name" has {len(name)} characters; the limit is {NAME_MAX_CHARS}')
    if name.startswith("inngest/") and name not in own:
        raise Refused(400, f'{where}"name" begins with "inngest/", which is reserved for events of the server itself')
    if "\0" in name:
        raise Refused(400, f'{where}"name" holds the character \\u0000')


def _check_id(event_id: str, where: str) -> None:
    if not event_id:
        raise Refused(400, f'{where}"id" is empty: leave it out, or give the event one')
    if len(event_id) > ID_MAX_CHARS:
        raise Refused(400, f'{where}"id" has {len(event_id)} characters; the limit is {ID_MAX_CHARS}')
    if "\0" in event_id:
        raise Refused(400, f'{where}"id" holds the character \\u0000')


def _object(raw: Raw, field: str, where: str) -> Raw:
    first = memoryview(raw)[0]
    if first == ord("{"):
        return raw
    if first == ord("n"):  # null
        return _EMPTY
    raise Refused(400, f'{where}"{field}" must be an object, not {_kind(bytes(raw))}')


def _refuse_scalar(body: bytes) -> NoReturn:
    if not body.strip():
        raise Refused(400, "The body is empty: send an event, or an array of events, as JSON")
    text = bytes(decode(_anything, body, depth=1))
    raise Refused(400, f"The body must be an event or an array of events, not {_kind(text)}")


def _kind(text: bytes) -> str:
    return "null" if text == b"null" else _KINDS.get(text[:1], "a number")
