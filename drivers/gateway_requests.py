"""The request that a step asks us to make in its stead: step.fetch, step.ai.infer."""

import re
from collections.abc import Mapping
from urllib.parse import quote

import msgspec

from drivers.http_client import Request, target_of

AI = "AIGateway"

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+").fullmatch
_VALUE = re.compile(r"[\t -~\x80-\xff]*").fullmatch
OURS = frozenset(
    {"accept-encoding", "connection", "content-length", "expect", "host", "keep-alive", "te", "trailer"}
    | {"proxy-connection", "transfer-encoding", "upgrade"}
)
"""Headers that say how we send and read a message, so what the step wrote does not count."""

SECRET_HEADERS = ("authorization", "proxy-authorization", "x-api-key", "api-key", "x-goog-api-key", "cookie")
_ANTHROPIC_VERSION = "2023-06-01"
_SHORTEST_SECRET = 6


def request_of(op: str, opts: Mapping[str, object]) -> Request:
    """Raises ValueError, in words for the function's author that hold no secret."""
    method = str(opts.get("method") or ("POST" if op == AI else "GET")).upper()
    if not _TOKEN(method) or method in ("CONNECT", "TRACE"):
        raise ValueError(f"{method!r} is not a method that can be sent")
    url = str(opts.get("url") or "")
    headers = _headers(opts.get("headers"))
    body = _body(opts.get("body"), headers)
    if op == AI:
        url = _authorize(url, str(opts.get("auth_key") or ""), opts.get("format"), headers)
    try:
        target = target_of(url)
    except ValueError:
        raise ValueError("its url is not a whole http:// or https:// URL") from None  # the fault quotes the URL
    headers.setdefault("accept", "application/json" if op == AI else "*/*")
    headers.setdefault("user-agent", "inngest-server")
    if target.authorization is not None:
        headers.setdefault("authorization", target.authorization)
    if body or method not in ("GET", "HEAD"):
        headers["content-length"] = str(len(body))
    lines = [f"{method} {target.path} HTTP/1.1", f"host: {target.host}", "accept-encoding: identity"]
    head = "\r\n".join([*lines, *(f"{name}: {value}" for name, value in headers.items()), "", ""])
    # A webhook's path is its password. That of a model says which model.
    shown = target.shown if op == AI else f"{target.origin.scheme}://{target.host}"
    return Request(target.origin, head.encode("latin-1"), body, f"{method} {shown}")


def without_secrets(text: str, opts: Mapping[str, object]) -> str:
    """The text with what authorizes the request crossed out: servers like to quote a key that they refuse."""
    secrets = {str(opts.get("auth_key") or "")}
    headers = _mapping(opts.get("headers"))
    for value in (str(value) for name, value in headers.items() if name.lower() in SECRET_HEADERS):
        secrets |= {value, value.rpartition(" ")[2]}
    for secret in sorted(secrets, key=len, reverse=True):
        if len(secret) >= _SHORTEST_SECRET:
            text = text.replace(secret, "***")
    return text


def _headers(value: object) -> dict[str, str]:
    headers = {}
    for written, content in _mapping(value).items():
        name, text = written.lower(), content if isinstance(content, str) else msgspec.json.encode(content).decode()
        if not _TOKEN(name):
            raise ValueError(f"{written!r} is not the name of a header")
        if not _VALUE(text):
            raise ValueError(f"the value of its header {written!r} has characters that cannot be sent")
        if name not in OURS:
            headers[name] = text.strip()
    return headers


def _body(value: object, headers: dict[str, str]) -> bytes:
    if value is None:
        return b""
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        headers.setdefault("content-type", "text/plain;charset=UTF-8")
        return value.encode(errors="replace")
    headers.setdefault("content-type", "application/json")
    return msgspec.json.encode(value)


def _authorize(url: str, key: str, kind: object, headers: dict[str, str]) -> str:
    """Show the key in the way of the model's provider. The URL to call."""
    if kind == "anthropic":
        headers.setdefault("anthropic-version", _ANTHROPIC_VERSION)
    if not key:
        return url
    if not _VALUE(key):
        raise ValueError("its auth_key has characters that cannot be sent")
    match kind:
        case "anthropic":
            headers.setdefault("x-api-key", key)
        case "azure-openai":
            headers.setdefault("api-key", key)
        case "gemini":
            if not re.search(r"[?&]key=", url):
                return f"{url}{'&' if '?' in url else '?'}key={quote(key, safe='')}"
        case _:
            headers.setdefault("authorization", f"Bearer {key}")
    return url


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}
