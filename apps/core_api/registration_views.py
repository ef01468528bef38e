"""`/fn/register`: an SDK's app says which functions it serves. The answers are in the SDKs' own form."""

from contextlib import suppress
from http import HTTPStatus
from typing import Any

from django.conf import settings
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import APIException, ParseError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.core_api.errors import TooLarge
from apps.core_api.tokens import SyncAuthentication, environment_of
from apps.datastore.definition.faults import InvalidDefinition
from apps.datastore.definition.json_document import read_json
from apps.datastore.environments import HEADER, NoBranchError, environment_for, environment_for_sync
from apps.datastore.models import Environment
from apps.datastore.registering import Registered, note_refusal, register
from apps.datastore.sdk_app import parse_registration, said_app_id

EXPECTED_KIND = "x-inngest-expected-server-kind"


class WrongServerKind(APIException):
    status_code = HTTPStatus.BAD_REQUEST


class RegisterView(APIView):
    authentication_classes = [SyncAuthentication]

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        # Before the key is looked at: an app in the wrong mode has none, and would not learn what its mistake is.
        ours, expected = "dev" if settings.INNGEST_DEV else "cloud", request.headers.get(EXPECTED_KIND)
        if expected and expected != ours:
            raise WrongServerKind(f"Expected server kind {expected}, got {ours}")
        super().initial(request, *args, **kwargs)

    @extend_schema(exclude=True)
    def post(self, request: Request) -> Response:
        owner, header = environment_of(request), request.headers.get(HEADER)
        document: object = None
        try:
            document = _read(request)
            registration = parse_registration(document)
            # Not before: garbage must not use up the environments that there may be.
            registered = register(environment_for_sync(owner, header), registration)
        except NoBranchError as error:
            raise ParseError(str(error)) from error
        except InvalidDefinition as invalid:
            with suppress(NoBranchError):  # then nothing was registered there before
                _note(environment_for(owner, header), document, invalid)
            return _refused(invalid)
        return Response(_accepted(registered))


def _read(request: Request) -> object:
    """The body as JSON. Raises InvalidDefinition, or TooLarge without reading on."""
    most = settings.REGISTRATION_MAX_BYTES
    body = request._request.read(most + 1)
    if len(body) > most:
        raise TooLarge(f"The registration is too large: its limit is {most} bytes")
    return read_json(body.decode("utf-8", "surrogateescape"), "the body")


def _accepted(registered: Registered) -> dict[str, object]:
    return {
        "ok": True,
        "modified": registered.modified,
        "sync_id": registered.sync_id,
        "app_id": registered.app_id,
        "status": HTTPStatus.OK,
    }


def _note(environment: Environment, document: object, invalid: InvalidDefinition) -> None:
    app = said_app_id(document)
    if app is not None:
        note_refusal(environment, app, str(invalid))


def _refused(invalid: InvalidDefinition) -> Response:
    content = {
        "error": str(invalid),
        "data": None,
        "status": HTTPStatus.BAD_REQUEST,
        "faults": invalid.faults,
    }
    return Response(content, status=HTTPStatus.BAD_REQUEST)
