"""The server's door under granian: events go to the Event API, everything else to Django."""

import asyncio
import os
from collections.abc import Mapping
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "inngest_server.settings")

from django.conf import settings
from django.core.asgi import get_asgi_application
from django.core.exceptions import ImproperlyConfigured

# Sets Django up; what is imported below needs it.
_django = get_asgi_application()

from apps.core_api import server_kind  # noqa: E402
from apps.event_api.app import EventApi, is_ours  # noqa: E402
from apps.event_api.wire import Receive, Scope, Send, error_answer, send_answer  # noqa: E402

BODY_SECONDS = 30.0
"""A request of the REST API whose body takes longer is ended: its connection is one of not many."""
SLACK_BYTES = 64 * 1024
"""A body that is a little too large is left to the views, whose answers say what for."""

_GONE = {"type": "http.disconnect"}


class _Body:
    """A request's messages. Until its body is whole they are timed and counted: Django keeps all of it before it looks
    at any key. For one that is too slow or too large the client counts as gone."""

    def __init__(self, receive: Receive, seconds: float, most: int) -> None:
        self.is_too_large = False
        self._receive = receive
        # Of the whole body: a client that sends a byte now and then would never be late with one.
        self._deadline = asyncio.get_running_loop().time() + seconds
        self._room = most
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
        return message


async def _answer_by_django(scope: Scope, receive: Receive, send: Send) -> None:
    most = max(settings.REGISTRATION_MAX_BYTES, settings.EVENT_MAX_BYTES) + SLACK_BYTES
    body = _Body(receive, BODY_SECONDS, most)
    announced = dict(scope["headers"]).get(b"content-length", b"")
    if announced.isdigit() and len(announced) <= 18 and int(announced) > most:
        body.is_too_large = True
    else:
        django: Any = _django
        await django(scope, body.receive, send)
    if body.is_too_large:  # Django answers nothing to a client that has gone
        kind = b"dev" if settings.INNGEST_DEV else b"cloud"
        answer = error_answer(413, f"The request is too large: its limit is {most} bytes")
        await send_answer(send, answer, [(server_kind.HEADER.lower().encode(), kind)])


class Application:
    """Starts the Event API with the server and stops it with the server: Django itself knows no lifespan."""

    def __init__(self) -> None:
        self._event_api: EventApi | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http" and is_ours(scope["path"]):
            if self._event_api is None:
                raise RuntimeError("The Event API was not started: run the server with ASGI's lifespan")
            await self._event_api(scope, receive, send)
        else:
            await _answer_by_django(scope, receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        try:
            self._event_api = EventApi()
        except ImproperlyConfigured as error:
            # Raised, it would only tell the server that we know no lifespan, and it would serve without an Event API.
            await send({"type": "lifespan.startup.failed", "message": str(error)})
            return
        await self._event_api.start()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self._event_api.stop()
        await send({"type": "lifespan.shutdown.complete"})


application = Application()
