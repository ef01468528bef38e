"""Reading requests' bodies: JSON objects that hold what is carried through as it came, within limits."""

from typing import NamedTuple, TypeVar

import msgspec
from django.conf import settings
from rest_framework.exceptions import ParseError
from rest_framework.request import Request

from apps.core_api.errors import TooLarge
from apps.event_stream.json_depth import is_deeper

Body = TypeVar("Body", bound=msgspec.Struct)


class Nothing(msgspec.Struct):
    """`{}`, or no body at all."""


nothing = msgspec.json.Decoder(Nothing)


class Limit(NamedTuple):
    """How large a body may be."""

    size: int
    what: str


def read_body(request: Request, decoder: "msgspec.json.Decoder[Body]", limit: Limit | None = None) -> Body:
    """The body as a struct; none at all is an empty object. Without a `limit` it is that of an event.

    Raises ParseError, which says what is wrong with it, or TooLarge without reading on.
    """
    most, what = limit or Limit(settings.EVENT_MAX_BYTES, "an event")
    body: bytes = request._request.read(most + 1)
    if len(body) > most:
        raise TooLarge(f"The body is too large: the limit for {what} is {most} bytes")
    try:
        body.decode()
        if is_deeper(body, settings.EVENT_MAX_DEPTH):
            raise RecursionError
        return decoder.decode(body or b"{}")
    except UnicodeDecodeError as error:
        raise ParseError(f"The body is not UTF-8 at byte {error.start}") from None
    except msgspec.ValidationError as error:
        raise ParseError(f"The body: {error}") from None
    except msgspec.DecodeError as error:
        raise ParseError(f"The body is not JSON: {error}") from None
    except RecursionError:
        raise ParseError(f"The body is nested more than {settings.EVENT_MAX_DEPTH} levels deep") from None


def missing() -> msgspec.Raw:
    """The default of a field that is carried through."""
    return msgspec.Raw(b"null")


def object_or_empty(raw: msgspec.Raw, field: str) -> bytes:
    """The text of a JSON object; null, or what is not there, is an empty one. Raises ParseError."""
    text = bytes(raw)
    if text == b"null":
        return b"{}"
    if not text.startswith(b"{"):
        raise ParseError(f"`{field}` must be an object")
    return text
