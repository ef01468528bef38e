"""What the views of environments, keys and tokens have in common: who may use them, and what they refuse."""

from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import TypeVar

from rest_framework.exceptions import APIException, ParseError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.core_api.answers import Answer, Page
from apps.core_api.errors import Error
from apps.core_api.parameters import page_parameters
from apps.core_api.tokens import environment_of, own_environment
from apps.datastore.keys import BadName, CannotCreate
from apps.datastore.models import Key, Scope

K = TypeVar("K", bound=Key)

REFUSED = {401: Error, 403: Error}
REFUSED_BODY = {400: Error, 409: Error, 413: Error, **REFUSED}


class AdminView(APIView):
    """Of the environment that the key belongs to; of a branch environment, that is its parent."""

    environment_meant = staticmethod(own_environment)
    needs = Scope.ADMIN


class Conflict(APIException):
    status_code = HTTPStatus.CONFLICT


def page_of_keys(request: Request, kind: type[K], of: str) -> tuple[list[K], Page]:
    """The environment's keys of a kind, the revoked ones too, newest first."""
    asked = page_parameters(request, of=of)
    keys = kind._default_manager.filter(environment=environment_of(request))
    if asked.after is not None:
        keys = keys.filter(pk__lt=int(asked.after))
    found = list(keys.order_by("-pk")[: asked.limit + 1])
    rows = found[: asked.limit]
    return rows, asked.answer(rows[-1].pk if len(found) > asked.limit else None)


def shown_once(answer: Answer) -> Response:
    """The answer to what was made, with its secret: nothing on the way may keep it."""
    return Response(answer, status=HTTPStatus.CREATED, headers={"Cache-Control": "no-store"})


@contextmanager
def creation_refusals() -> Iterator[None]:
    """What cannot be made is a 400 if its name is wrong, and else a 409."""
    try:
        yield
    except BadName as error:
        raise ParseError(str(error)) from None
    except CannotCreate as error:
        raise Conflict(str(error)) from None
