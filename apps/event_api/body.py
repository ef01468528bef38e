"""A request's body, read no further than the limits let it."""

import asyncio
from collections.abc import Mapping

from apps.event_api.refusals import Refused
from apps.event_api.room import Room
from apps.event_api.wire import Receive

READ_SECONDS = 30.0
"""A sender that takes longer holds room that others want."""


class ClientGone(Exception):
    """The client hung up before its request was whole; there is nobody to answer."""


class Body:
    """Reads a body into the room that all bodies share; `close` gives the room back."""

    def __init__(self, room: Room, most: int) -> None:
        self._room = room
        self._most = most
        self._size = 0

    async def read(self, headers: Mapping[bytes, bytes], receive: Receive) -> bytes:
        """The body. Raises Refused, also for one that is too large, as soon as that is known; or ClientGone."""
        if headers.get(b"content-encoding", b"identity") != b"identity":
            raise Refused(415, "Send the body as it is: a Content-Encoding is not supported")
        announced = _announced(headers)
        if announced is not None and announced > self._most:
            raise self._too_large()
        try:
            # The first chunk too: a body that never begins holds a connection, of which there are not many.
            async with asyncio.timeout(READ_SECONDS):
                chunk, more = await self._receive(receive)
                # granian says in a message of its own that there is no more; waiting for it would cost a third of the
                # speed.
                if not more or len(chunk) == announced:
                    return chunk
                chunks = [chunk]
                while more:
                    chunk, more = await self._receive(receive)
                    chunks.append(chunk)
        except TimeoutError as error:
            raise Refused(408, f"The body did not arrive within {READ_SECONDS:.0f} s") from error
        return b"".join(chunks)

    def close(self) -> None:
        self._room.give_back(self._size)
        self._size = 0

    async def _receive(self, receive: Receive) -> tuple[bytes, bool]:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        chunk: bytes = message.get("body", b"")
        self._room.take(len(chunk), self._size)
        self._size += len(chunk)
        if self._size > self._most:
            raise self._too_large()
        return chunk, message.get("more_body", False)

    def _too_large(self) -> Refused:
        return Refused(413, f"The request is too large: its limit is {self._most} bytes")


def _announced(headers: Mapping[bytes, bytes]) -> int | None:
    length = headers.get(b"content-length", b"")
    return int(length) if length.isdigit() and len(length) <= 18 else None
