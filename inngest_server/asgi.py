"""The server's door under granian: events go to the Event API, everything else to Django."""

import asyncio
import os
from collections.abc import Mapping
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "inngest_server.settings")

from django.core.asgi import get_asgi_application
from django.core.exceptions import ImproperlyConfigured

# Sets Django up; what is imported below needs it.
_django = get_asgi_application()

from apps.event_api.app import EventApi, is_ours  # noqa: E402
from apps.event_api.wire import Receive, Scope, Send  # noqa: E402

BODY_SECONDS = 30.0
"""A request of the REST API whose body takes longer is ended: its connection is one of not many."""


def _within(receive: Receive, seconds: float) -> Receive:
    """The same messages, until the body is whole; if one takes longer, the client counts as gone."""
    whole = False

    async def receive_in_time() -> Mapping[str, Any]:
        nonlocal whole
        if whole:  # what is waited for now is the client's going, however long it stays
            return await receive()
        try:
            message = await asyncio.wait_for(receive(), seconds)
        except TimeoutError:
            return {"type": "http.disconnect"}
        whole = not message.get("more_body", False)
        return message

    return receive_in_time


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
            django: Any = _django
            await django(scope, _within(receive, BODY_SECONDS), send)

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
