"""Every answer says which kind of server gave it: the SDKs refuse to talk to the other kind."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse

HEADER = "X-Inngest-Server-Kind"


class ServerKindMiddleware:
    """The outermost one, so that it also marks what the others answer themselves."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self._get_response(request)
        response[HEADER] = "dev" if settings.INNGEST_DEV else "cloud"
        return response
