"""Answers as JSON. What senders and steps gave us is embedded as it was, byte for byte, and never parsed.

It may hold what parsers trip over (`\\u0000`, lone surrogates, `1e400000`, 1,000 levels), so it is `msgspec.Raw`.
"""

from collections.abc import Mapping
from typing import Any

import msgspec
from rest_framework.renderers import BaseRenderer


class JsonRenderer(BaseRenderer):
    media_type = "application/json"
    format = "json"
    charset = None

    def render(
        self, data: Any, accepted_media_type: str | None = None, renderer_context: Mapping[str, Any] | None = None
    ) -> bytes:
        return b"" if data is None else msgspec.json.encode(data)


def raw(text: str | None) -> msgspec.Raw | None:
    """JSON text from the database, to be embedded."""
    return None if text is None else msgspec.Raw(text.encode())


def with_fields(json_object: str, fields: msgspec.Struct) -> msgspec.Raw:
    """A JSON object's text with fields of ours put behind its own: parsers take the last of two of a name."""
    ours = msgspec.json.encode(fields)
    own = json_object.rstrip()[:-1].encode()
    return msgspec.Raw(b"".join((own, b"" if own.strip() == b"{" else b",", ours[1:])))
