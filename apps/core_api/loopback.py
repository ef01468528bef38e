"""Dev mode asks for no token, so it answers to programs on this machine only, and not to web pages of others; to other
machines only under the names and the address that a person gave it.

A page on another site could otherwise deploy code or read events through the browser of whoever develops here: by its
`Origin`, or, once it has had its own name resolve to 127.0.0.1, by its `Host`. `/e/`, which pages may use, is not
answered by Django.
"""

from collections.abc import Callable
from http import HTTPStatus

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse

from apps.core_api.errors import json_error


class LoopbackMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        fault = _fault(request) if settings.INNGEST_DEV else None
        return self._get_response(request) if fault is None else json_error(fault, HTTPStatus.FORBIDDEN)


def _fault(request: HttpRequest) -> str | None:
    try:
        host = request.get_host()
    except DisallowedHost:
        return (
            "In dev mode the server answers to localhost, 127.0.0.1 and [::1] only, whatever its `Host` resolves to;"
            " ALLOWED_HOSTS names others"
        )
    origin = request.headers.get("Origin")
    if origin is None or origin == f"{request.scheme}://{host}":
        return None
    return "In dev mode web pages of another origin may send events, and nothing else"
