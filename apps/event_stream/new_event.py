"""An accepted event and its stored form: one JSON text, of which only the outer object is ours."""

import time
from typing import NamedTuple

import msgspec

from apps.event_stream.ids import new_ulid

_EMPTY = msgspec.Raw(b"{}")


class NewEvent(NamedTuple):
    """An accepted event. Whoever accepts it has validated it."""

    environment_id: int
    internal_id: str
    name: str
    payload: str
    """The whole event as JSON text: name, data, user, id, ts and, if given, v."""
    event_id: str | None
    """What repeated receipts are known by; None if nothing tells a repeated receipt."""


class _Payload(msgspec.Struct, omit_defaults=True):
    name: str
    data: msgspec.Raw
    user: msgspec.Raw
    id: str
    ts: int
    v: str | None = None


_encoder = msgspec.json.Encoder()


def make_event(
    environment_id: int,
    name: str,
    data: msgspec.Raw = _EMPTY,
    *,
    user: msgspec.Raw = _EMPTY,
    event_id: str | None = None,
    ts: int | None = None,
    v: str | None = None,
    internal_id: str | None = None,
    receipt_id: str | None = None,
) -> NewEvent:
    """An event ready to be appended. `data` and `user` are JSON objects, carried through as they are.

    `event_id` is the id that its sender gave, `ts` milliseconds (default now), `receipt_id` what repeated receipts are
    known by where it is not the sender's id.
    """
    internal_id = internal_id or new_ulid()
    payload = _Payload(name, data, user, event_id or internal_id, ts or time.time_ns() // 1_000_000, v)
    return NewEvent(environment_id, internal_id, name, _encoder.encode(payload).decode(), event_id or receipt_id)
