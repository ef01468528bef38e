"""What the body of a failed answer says of the error, for servers that write it in different ways."""

import json
import re

_EXCERPT_CHARS = 100
_READ_BYTES = 4_000
_MARKUP = re.compile(r"<(?P<unread>style|script)\b.*?</(?P=unread)>|<[^>]*>", re.DOTALL | re.IGNORECASE)


def error_in(body: bytes) -> tuple[str, str, str]:
    """Name, message and stack, each "" if the body has none."""
    return _error(_value(body))


def excerpt(body: bytes) -> str:
    """What the body begins with, of a page the words alone; as the end of a sentence."""
    text = body[:_READ_BYTES].decode(errors="replace").strip()
    if text.startswith("<"):
        text = _MARKUP.sub(" ", text)
    text = " ".join(text.split())
    return f", which begins {text[:_EXCERPT_CHARS]!r}" if text else ", with an empty body"


def _error(value: object) -> tuple[str, str, str]:
    if isinstance(value, str):
        inner = _value(value.encode(errors="replace"))
        return _error(inner) if isinstance(inner, dict) else ("", value, "")
    if not isinstance(value, dict):
        return "", "", ""
    nested = value.get("error")
    if nested and not value.get("message"):
        name, message, stack = _error(nested)
    else:
        name, message, stack = "", _text(value.get("message")) or _text(value.get("code")), ""
    return _text(value.get("name")) or name, message, _text(value.get("stack")) or stack


def _value(body: bytes) -> object:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
