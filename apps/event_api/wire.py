"""ASGI as far as we need it, and our answers in its terms."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

Scope = Mapping[str, Any]
Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Headers = Sequence[tuple[bytes, bytes]]

_encode = msgspec.json.Encoder().encode


class Answer(NamedTuple):
    status: int
    body: bytes = b""
    headers: Headers = ()


def json_answer(status: int, content: object, *headers: tuple[bytes, bytes]) -> Answer:
    return Answer(status, _encode(content), [(b"content-type", b"application/json"), *headers])


def error_answer(status: int, text: str, *headers: tuple[bytes, bytes]) -> Answer:
    """The shape that the SDKs read. A 503 says when to try again."""
    if status == 503:
        headers = (*headers, (b"retry-after", b"1"))
    return json_answer(status, {"error": text, "status": status}, *headers)


async def send_answer(send: Send, answer: Answer, always: Headers) -> None:
    headers = [*answer.headers, (b"content-length", b"%d" % len(answer.body)), *always]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})
