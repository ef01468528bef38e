"""The server's door under granian: events go to the Event API, everything else to Django."""

import os
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
from inngest_server.body_limits import Body, Limits, limits_of  # noqa: E402
from inngest_server.deploy_door import refusal_of, take_place  # noqa: E402

_TOO_MANY = "Too many deploys are being received; try again in a few seconds"


async def _answer_by_django(scope: Scope, receive: Receive, send: Send) -> None:
    limits, headers = limits_of(scope), dict(scope["headers"])
    if limits.needs_key and (refusal := await refusal_of(headers.get(b"authorization", b""))):
        await _refuse(send, *refusal, *([(b"www-authenticate", b"Bearer")] if refusal.status == 401 else []))
        return
    place = take_place() if limits.needs_place else None
    if limits.needs_place and place is None:
        await _refuse(send, 503, _TOO_MANY)
        return
    body = Body(receive, limits, place.give_back if place else None)
    try:
        await _pass_on(scope, body, limits, headers, send)
    finally:
        body.end()


async def _pass_on(scope: Scope, body: Body, limits: Limits, headers: dict[bytes, bytes], send: Send) -> None:
    announced = headers.get(b"content-length", b"")
    if announced.isdigit() and len(announced) <= 18 and int(announced) > limits.most:
        body.is_too_large = True
    else:
        django: Any = _django
        await django(scope, body.receive, send)
    if body.is_too_large:  # Django answers nothing to a client that has gone
        await _refuse(send, 413, f"The request is too large: its limit is {limits.most} bytes")


async def _refuse(send: Send, status: int, text: str, *headers: tuple[bytes, bytes]) -> None:
    kind = b"dev" if settings.INNGEST_DEV else b"cloud"
    always = [(server_kind.HEADER.lower().encode(), kind)]
    await send_answer(send, error_answer(status, text, *headers), always)


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
