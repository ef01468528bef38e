"""Requests to the Event API in its own event loop, without a server between."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from apps.event_api.app import EventApi

HeaderList = Sequence[tuple[bytes, bytes]]
LOOPBACK = (b"host", b"127.0.0.1:8288")


class Response(NamedTuple):
    status: int
    headers: Mapping[bytes, bytes]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def ids(self) -> list[str]:
        assert self.status == 200, self.body
        ids: list[str] = self.json["ids"]
        return ids

    @property
    def error(self) -> str:
        """The text of an error, once its shape has been seen to."""
        assert set(self.json) == {"error", "status"}
        assert self.json["status"] == self.status
        text: str = self.json["error"]
        return text


@asynccontextmanager
async def running_api() -> AsyncIterator[EventApi]:
    api = EventApi()
    await api.start()
    try:
        yield api
    finally:
        await api.stop()


async def call(
    api: EventApi,
    method: str,
    path: str,
    chunks: Sequence[bytes] = (b"",),
    headers: HeaderList = (LOOPBACK,),
    *,
    more_to_come: bool = False,
) -> Response:
    """One request. After its chunks the client stays until it is answered, saying it sends more if `more_to_come`."""
    coming = list(chunks)
    sent: list[dict[str, Any]] = []

    async def receive() -> Mapping[str, Any]:
        if not coming:
            await asyncio.Event().wait()
        return {"type": "http.request", "body": coming.pop(0), "more_body": more_to_come or bool(coming)}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await api({"type": "http", "method": method, "path": path, "headers": list(headers)}, receive, send)
    start, body = sent
    assert dict(start["headers"])[b"x-inngest-server-kind"] in {b"dev", b"cloud"}
    return Response(start["status"], dict(start["headers"]), body["body"])


async def post(api: EventApi, body: bytes | object, key: str = "key", headers: HeaderList = ()) -> Response:
    """POST bytes as they are, anything else as JSON."""
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    return await call(api, "POST", f"/e/{key}", [text], [LOOPBACK, *headers])
