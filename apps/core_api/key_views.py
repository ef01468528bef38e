"""`/v1/event-keys` and `/v1/api-tokens`: who may send events, and who may use this API."""

import msgspec
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core_api.admin_views import (
    REFUSED,
    REFUSED_BODY,
    AdminView,
    Conflict,
    creation_refusals,
    page_of_keys,
    shown_once,
)
from apps.core_api.errors import Error
from apps.core_api.json_bodies import read_body
from apps.core_api.keys import (
    ApiTokensAnswer,
    EventKeysAnswer,
    KeyBody,
    NewApiTokenAnswer,
    NewEventKeyAnswer,
    TokenBody,
    api_token_entry,
    event_key_entry,
    new_api_token,
    new_event_key,
)
from apps.core_api.schema import PAGING
from apps.core_api.tokens import environment_of
from apps.datastore.keys import add_api_token, add_event_key, revoke
from apps.datastore.models import ApiToken, EventKey, Key, Scope

_key_body = msgspec.json.Decoder(KeyBody)
_token_body = msgspec.json.Decoder(TokenBody)


class EventKeysView(AdminView):
    @extend_schema(
        operation_id="list_event_keys", parameters=PAGING, responses={200: EventKeysAnswer, 400: Error, **REFUSED}
    )
    def get(self, request: Request) -> Response:
        """The environment's event keys, newest first, the revoked ones too; never the keys themselves."""
        rows, page = page_of_keys(request, EventKey, of="event keys")
        return Response(EventKeysAnswer(data=[event_key_entry(row) for row in rows], page=page))

    @extend_schema(operation_id="create_event_key", request=KeyBody, responses={201: NewEventKeyAnswer, **REFUSED_BODY})
    def post(self, request: Request) -> Response:
        """Make a key that lets its holder send events. The Event API knows it within two seconds."""
        body = read_body(request, _key_body)
        with creation_refusals():
            new = add_event_key(environment_of(request), body.name)
        return shown_once(NewEventKeyAnswer(data=new_event_key(new)))


class EventKeyView(AdminView):
    @extend_schema(operation_id="revoke_event_key", responses={204: None, 404: Error, 409: Error, **REFUSED})
    def delete(self, request: Request, key_id: int) -> Response:
        """Revoke the key. It is refused within two seconds, and stays in the list."""
        return _revoke(request, EventKey, key_id)


class ApiTokensView(AdminView):
    @extend_schema(
        operation_id="list_api_tokens", parameters=PAGING, responses={200: ApiTokensAnswer, 400: Error, **REFUSED}
    )
    def get(self, request: Request) -> Response:
        """The environment's API tokens, newest first, the revoked ones too; never the tokens themselves."""
        rows, page = page_of_keys(request, ApiToken, of="API tokens")
        return Response(ApiTokensAnswer(data=[api_token_entry(row) for row in rows], page=page))

    @extend_schema(
        operation_id="create_api_token", request=TokenBody, responses={201: NewApiTokenAnswer, **REFUSED_BODY}
    )
    def post(self, request: Request) -> Response:
        """Make a token for this API. What it is good for is its scope; without one it only reads."""
        body = read_body(request, _token_body)
        with creation_refusals():
            new = add_api_token(environment_of(request), body.name, Scope(body.scope))
        return shown_once(NewApiTokenAnswer(data=new_api_token(new)))


class ApiTokenView(AdminView):
    @extend_schema(operation_id="revoke_api_token", responses={204: None, 404: Error, 409: Error, **REFUSED})
    def delete(self, request: Request, key_id: int) -> Response:
        """Revoke the token, be it the one that is shown here. It is refused from now on, and stays in the list."""
        return _revoke(request, ApiToken, key_id)


def _revoke(request: Request, kind: type[Key], key_id: int) -> Response:
    environment = environment_of(request)
    if not revoke(kind, str(key_id), within=environment):
        revoked = kind._default_manager.filter(environment=environment, pk=key_id).first()
        if revoked is None:
            raise NotFound(f"There is no {kind._meta.verbose_name} {key_id}")
        raise Conflict(f"It is revoked already: {kind._meta.verbose_name} {key_id}")
    return Response(status=204)
