"""An answer in a stream: white space while the function runs, so that no proxy gives up, then the answer proper."""

import json
from dataclasses import replace

import msgspec

from drivers.http_exchange import Answer

STREAMED = 201
"""The status that says so; the function's own is inside."""


class NotStreamed(Exception):
    """The stream does not hold an answer."""


class _Inside(msgspec.Struct):
    status: int
    headers: dict[str, object] | None = None
    body: object = None


def unwrap(answer: Answer) -> Answer:
    """The answer inside; its headers come before those of the stream. Raises NotStreamed."""
    text = answer.body.strip()
    if not text:
        raise NotStreamed("it ended before the answer")
    inside = _read(text)
    if not 100 <= inside.status <= 599:
        raise NotStreamed(f"{inside.status} is no status")
    own = {name.lower(): str(value) for name, value in (inside.headers or {}).items() if value is not None}
    # A string is the body's text; anything else is the body as a value.
    body = inside.body if isinstance(inside.body, str) else json.dumps(inside.body)
    return replace(
        answer, status=inside.status, reason="", headers=answer.headers | own, body=body.encode(errors="replace")
    )


def _read(text: bytes) -> _Inside:
    try:
        return msgspec.json.decode(text, type=_Inside)
    except (msgspec.DecodeError, RecursionError):
        pass
    # Once more by what also reads half a surrogate pair.
    try:
        return msgspec.convert(json.loads(text), _Inside)
    except RecursionError:
        raise NotStreamed("it is nested too deep") from None
    except ValueError as fault:  # so also msgspec.ValidationError
        raise NotStreamed(str(fault)) from None
