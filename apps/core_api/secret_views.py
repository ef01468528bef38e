"""`/v1/secrets`: the environment variables of an environment's steps. Set and replaced here, and never shown."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from http import HTTPStatus
from typing import Annotated

import msgspec
from django.conf import settings
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import NotFound, ParseError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.core_api.admin_views import REFUSED, REFUSED_BODY, Conflict
from apps.core_api.answers import Answer, Page
from apps.core_api.errors import Error
from apps.core_api.json_bodies import Limit, read_body
from apps.core_api.parameters import page_parameters
from apps.core_api.schema import PAGING
from apps.core_api.tokens import actor_of, any_environment, environment_of
from apps.datastore.models import Scope, Secret
from apps.datastore.secrets import (
    MAX_NAME,
    NAME,
    BadSecret,
    CannotSet,
    Changed,
    check_name,
    list_secrets,
    remove_secret,
    set_secrets,
)

Value = Annotated[str, msgspec.Meta(description="Any text without NUL characters. It is not shown again.")]


class SecretBody(msgspec.Struct, forbid_unknown_fields=True):
    value: Value


class SecretsBody(msgspec.Struct, forbid_unknown_fields=True):
    secrets: Annotated[
        dict[str, Value],
        msgspec.Meta(extra_json_schema={"propertyNames": {"pattern": f"^{NAME}$", "maxLength": MAX_NAME}}),
    ]


class SecretEntry(msgspec.Struct, kw_only=True):
    name: str
    environment: str
    """Where it is set: of a branch environment, that may be its parent."""
    actor: str
    """Who set it last."""
    created_at: datetime
    updated_at: datetime


class ChangedSecrets(msgspec.Struct, kw_only=True):
    made: list[str]
    replaced: list[str]


class SecretsAnswer(Answer):
    data: list[SecretEntry]
    page: Page


class ChangedSecretsAnswer(Answer):
    data: ChangedSecrets


_PATH = [
    OpenApiParameter(
        "name",
        {"type": "string", "pattern": f"^{NAME}$", "maxLength": MAX_NAME, "examples": ["API_KEY"]},
        OpenApiParameter.PATH,
        description="The environment variable.",
    )
]


class _OfSecrets(APIView):
    """Of the environment of the key; with a key of branch environments, of the branch that is named, or of all.

    Also to look at the names needs the scope `deploy`: who deploys brings code that reads the values, so it gives away
    nothing more, and who only reads has no need of them.
    """

    environment_meant = staticmethod(any_environment)
    needs = Scope.DEPLOY


class SecretsView(_OfSecrets):
    @extend_schema(
        operation_id="list_secrets", parameters=PAGING, responses={200: SecretsAnswer, 400: Error, **REFUSED}
    )
    def get(self, request: Request) -> Response:
        """The secrets that steps of the environment get, by name: who set them, and when; never their values."""
        asked = page_parameters(request, of="secrets")
        found = [row for row in list_secrets(environment_of(request)) if asked.after is None or row.name > asked.after]
        rows = found[: asked.limit]
        page = asked.answer(rows[-1].name if len(found) > asked.limit else None)
        return Response(SecretsAnswer(data=[_entry(row) for row in rows], page=page))

    @extend_schema(
        operation_id="set_secrets", request=SecretsBody, responses={200: ChangedSecretsAnswer, **REFUSED_BODY}
    )
    def patch(self, request: Request) -> Response:
        """Set several secrets, all or none. Those that are not named stay. Steps that begin a second later get them."""
        return _set(request, read_body(request, _several, _limit()).secrets)


class SecretView(_OfSecrets):
    @extend_schema(
        operation_id="set_secret",
        parameters=_PATH,
        request=SecretBody,
        responses={200: ChangedSecretsAnswer, **REFUSED_BODY},
    )
    def put(self, request: Request, name: str) -> Response:
        """Set a secret, or replace its value. Steps that begin a second later get it."""
        return _set(request, {name: read_body(request, _one, _limit()).value})

    @extend_schema(operation_id="remove_secret", parameters=_PATH, responses={204: None, 404: Error, **REFUSED})
    def delete(self, request: Request, name: str) -> Response:
        """Remove a secret. Steps that begin a second later do not get it; a branch gets its parent's again."""
        environment = environment_of(request)
        with _refusals():
            check_name(name)
        if not remove_secret(environment, name):
            raise NotFound(f"{environment} has no secret {name} of its own")
        return Response(status=HTTPStatus.NO_CONTENT)


_one = msgspec.json.Decoder(SecretBody)
_several = msgspec.json.Decoder(SecretsBody)


def _limit() -> Limit:
    """Such that what is refused for its size has more than secrets may have: JSON writes a byte as six at most."""
    names = settings.SECRETS_MAX * (MAX_NAME + len('"":"",'))
    return Limit(6 * settings.SECRETS_MAX_BYTES + names + len('{"secrets":{}}'), "a request that sets secrets")


def _set(request: Request, values: Mapping[str, str]) -> Response:
    with _refusals():
        changed: Changed = set_secrets(environment_of(request), values, actor_of(request))
    return Response(ChangedSecretsAnswer(data=ChangedSecrets(made=changed.made, replaced=changed.replaced)))


@contextmanager
def _refusals() -> Iterator[None]:
    try:
        yield
    except BadSecret as error:
        raise ParseError(str(error)) from None
    except CannotSet as error:
        raise Conflict(str(error)) from None


def _entry(row: Secret) -> SecretEntry:
    return SecretEntry(
        name=row.name,
        environment=row.environment.slug,
        actor=row.actor,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )
