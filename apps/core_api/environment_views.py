"""`/v1/environments`: the worlds that a key of one may know of, and making a new one."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from django.db.models import Q, QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core_api.admin_views import REFUSED, REFUSED_BODY, AdminView, creation_refusals, shown_once
from apps.core_api.answers import Answer, Page
from apps.core_api.errors import Error
from apps.core_api.json_bodies import read_body
from apps.core_api.keys import NewApiToken, new_api_token
from apps.core_api.parameters import page_parameters
from apps.core_api.schema import PAGING
from apps.core_api.tokens import environment_of
from apps.datastore.keys import MAX_NAME, create_environment_with_token
from apps.datastore.models import Environment

EnvironmentName = Annotated[
    str,
    msgspec.Meta(extra_json_schema={"minLength": 1, "maxLength": MAX_NAME, "pattern": "^[-a-zA-Z0-9_]+$"}),
]


class EnvironmentBody(msgspec.Struct, forbid_unknown_fields=True):
    name: EnvironmentName


class EnvironmentEntry(msgspec.Struct, kw_only=True):
    name: str
    id: UUID
    parent: str | None
    """Of a branch environment."""
    created_at: datetime
    deploys: int
    """The number of its last deploy."""


class NewEnvironment(msgspec.Struct, kw_only=True):
    environment: EnvironmentEntry
    token: NewApiToken


class EnvironmentAnswer(Answer):
    data: EnvironmentEntry


class EnvironmentsAnswer(Answer):
    data: list[EnvironmentEntry]
    page: Page


class NewEnvironmentAnswer(Answer):
    data: NewEnvironment


class EnvironmentsView(AdminView):
    @extend_schema(
        operation_id="list_environments", parameters=PAGING, responses={200: EnvironmentsAnswer, 400: Error, **REFUSED}
    )
    def get(self, request: Request) -> Response:
        """The key's own environment and, if that is the parent of branch environments, those; by name."""
        asked = page_parameters(request, of="environments")
        after = {} if asked.after is None else {"slug__gt": asked.after}
        found = list(_seen(request).filter(**after).order_by("slug")[: asked.limit + 1])
        rows = found[: asked.limit]
        page = asked.answer(rows[-1].slug if len(found) > asked.limit else None)
        return Response(EnvironmentsAnswer(data=[environment_entry(row) for row in rows], page=page))

    @extend_schema(
        operation_id="create_environment",
        request=EnvironmentBody,
        responses={201: NewEnvironmentAnswer, **REFUSED_BODY},
    )
    def post(self, request: Request) -> Response:
        """Make an environment, with a token that administers it: the one that is shown here does not open it."""
        body = read_body(request, _body)
        with creation_refusals():
            made = create_environment_with_token(body.name)
        data = NewEnvironment(environment=environment_entry(made.environment), token=new_api_token(made.token))
        return shown_once(NewEnvironmentAnswer(data=data))


class EnvironmentView(AdminView):
    @extend_schema(operation_id="get_environment", responses={200: EnvironmentAnswer, 404: Error, **REFUSED})
    def get(self, request: Request, name: str) -> Response:
        """The environment with this name: the key's own, or a branch of it."""
        found = _seen(request).filter(slug=name).first() if "\0" not in name else None
        if found is None:
            raise NotFound(f"There is no environment {name}")
        return Response(EnvironmentAnswer(data=environment_entry(found)))


_body = msgspec.json.Decoder(EnvironmentBody)


def environment_entry(environment: Environment) -> EnvironmentEntry:
    parent = environment.parent
    return EnvironmentEntry(
        name=environment.slug,
        id=environment.public_id,
        parent=None if parent is None else parent.slug,
        created_at=environment.created_at,
        deploys=environment.deploys,
    )


def _seen(request: Request) -> QuerySet[Environment]:
    own = environment_of(request)
    return Environment.objects.filter(Q(pk=own.pk) | Q(parent=own)).select_related("parent")
