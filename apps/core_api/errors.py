"""Errors as clients get them: the HTTP status itself, and `{"error": <what is wrong>, "status": <the same>}`."""

import logging
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import msgspec
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse
from psycopg.errors import LockNotAvailable
from psycopg_pool import PoolTimeout
from rest_framework.exceptions import APIException, ParseError
from rest_framework.response import Response
from rest_framework.views import exception_handler

log = logging.getLogger(__name__)


class Error(msgspec.Struct, frozen=True):
    error: str
    status: int


class AlreadyEnded(APIException):
    status_code = HTTPStatus.CONFLICT
    default_detail = "The run has already ended."


class TooLarge(APIException):
    status_code = HTTPStatus.REQUEST_ENTITY_TOO_LARGE


class Unavailable(APIException):
    """Nothing is wrong with the request, and nothing was done."""

    status_code = HTTPStatus.SERVICE_UNAVAILABLE
    default_detail = "The server has no connection to its database to spare; try again in a few seconds"
    wait = 5
    """Seconds, for `Retry-After`."""


class DetailedError(APIException):
    """One whose answer says more than a text."""

    answer: Error

    def __init__(self, answer: Error) -> None:
        super().__init__(answer.error)
        self.status_code = answer.status
        self.answer = answer


def bad_parameter(name: str, must: str) -> ParseError:
    return ParseError(f"`{name}` {must}")


def answer_error(error: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's exception handler. None for a fault of ours: Django logs it and answers 500."""
    error = _unavailable(error) or error
    response = exception_handler(error, context)
    if response is not None:
        text = str(getattr(error, "detail", None) or HTTPStatus(response.status_code).phrase)
        response.data = error.answer if isinstance(error, DetailedError) else Error(text, response.status_code)
    return response


def _unavailable(error: Exception) -> Unavailable | None:
    """For what ends by itself: all connections are in use, or someone else is changing the same rows."""
    if not isinstance(error, OperationalError):
        return None
    if isinstance(error.__cause__, PoolTimeout):
        log.warning("a request has got no connection to the database: %s", error)
        return Unavailable()
    if isinstance(error.__cause__, LockNotAvailable):
        log.warning("a request has waited too long for another's locks: %s", error)
        return Unavailable("Others are changing the same and take long; try again in a few seconds")
    return None


def json_error(text: str, status: int) -> HttpResponse:
    """An error from outside a view, where DRF has no part in it."""
    return HttpResponse(msgspec.json.encode(Error(text, status)), status=status, content_type="application/json")


class JsonErrorsMiddleware:
    """Puts Django's own errors (no such page, a bad host, a crash), which are HTML pages, in our form."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self._get_response(request)
        if response.status_code < 400 or not response.get("Content-Type", "").startswith("text/html"):
            return response
        if response.status_code == HTTPStatus.NOT_FOUND:
            return json_error(f"There is nothing at {request.path}", response.status_code)
        return json_error(HTTPStatus(response.status_code).phrase, response.status_code)
