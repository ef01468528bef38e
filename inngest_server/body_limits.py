"""Bounds on the bodies of requests that Django answers: it keeps all of one before it looks at any key."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from django.conf import settings

from apps.event_api.wire import Receive, Scope

BODY_SECONDS = 30.0
"""A request of the REST API whose body takes longer is ended: its connection is one of not many."""
SLACK_BYTES = 64 * 1024
"""A body that is a little too large is left to the views, whose answers say what for."""
DEPLOYS = "/v1/deploys"

_GONE = {"type": "http.disconnect"}


class Limits(NamedTuple):
    """What a request's body may be."""

    seconds: float
    most: int
    """Bytes."""
    needs_key: bool = False
    """Whether it is read only of a request whose key may send it."""
    needs_place: bool = False
    """Whether only some are received at once."""


def limits_of(scope: Scope) -> Limits:
    """Code and built artefacts are deployed by one request alone; everything else is an event, or not much more."""
    if scope["method"] == "POST" and scope["path"] == DEPLOYS:
        most = settings.DEPLOY_MAX_BYTES + SLACK_BYTES
        return Limits(settings.DEPLOY_BODY_SECONDS, most, needs_key=not settings.INNGEST_DEV, needs_place=True)
    return Limits(BODY_SECONDS, max(settings.REGISTRATION_MAX_BYTES, settings.EVENT_MAX_BYTES) + SLACK_BYTES)


class Body:
    """A request's messages. Until its body is whole they are timed and counted. For one that is too slow or too large
    the client counts as gone. When no more of it comes, `on_end` is called, maybe more than once."""

    def __init__(self, receive: Receive, limits: Limits, on_end: Callable[[], None] | None = None) -> None:
        self.is_too_large = False
        self._receive = receive
        self._on_end = on_end
        # Of the whole body: a client that sends a byte now and then would never be late with one.
        self._deadline = asyncio.get_running_loop().time() + limits.seconds
        self._room = limits.most
        self._whole = False

    async def receive(self) -> Mapping[str, Any]:
        if self._whole:  # what is waited for now is the client's going, however long it stays
            return await self._receive()
        try:
            async with asyncio.timeout_at(self._deadline):
                message = await self._receive()
        except TimeoutError:
            return _GONE
        self._room -= len(message.get("body", b""))
        if self._room < 0:
            self.is_too_large = True
            return _GONE
        self._whole = not message.get("more_body", False)
        if self._whole:
            self.end()
        return message

    def end(self) -> None:
        """No more of it is received."""
        if self._on_end is not None:
            self._on_end()
