"""`/v1/signing-keys`: what an environment's apps and we know each other by."""

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
    KeyBody,
    NewSigningKeyAnswer,
    RevokedSigningKey,
    RevokedSigningKeyAnswer,
    SigningKeyAnswer,
    SigningKeysAnswer,
    new_signing_key,
    signing_key_entry,
)
from apps.core_api.schema import PAGING
from apps.core_api.tokens import environment_of
from apps.datastore.models import SigningKey
from apps.datastore.signing_keys import NoStandbyError, add_signing_key, revoke_signing_key, rotate

_key_body = msgspec.json.Decoder(KeyBody)


class SigningKeysView(AdminView):
    @extend_schema(
        operation_id="list_signing_keys", parameters=PAGING, responses={200: SigningKeysAnswer, 400: Error, **REFUSED}
    )
    def get(self, request: Request) -> Response:
        """The environment's signing keys, newest first, the revoked ones too; never the keys themselves."""
        rows, page = page_of_keys(request, SigningKey, of="signing keys")
        return Response(SigningKeysAnswer(data=[signing_key_entry(row) for row in rows], page=page))

    @extend_schema(
        operation_id="create_signing_key", request=KeyBody, responses={201: NewSigningKeyAnswer, **REFUSED_BODY}
    )
    def post(self, request: Request) -> Response:
        """Make a key for the environment's apps. It stands by if another one signs, and else signs from now on."""
        body = read_body(request, _key_body)
        with creation_refusals():
            new = add_signing_key(environment_of(request), body.name)
        return shown_once(NewSigningKeyAnswer(data=new_signing_key(new)))


class SigningKeyView(AdminView):
    @extend_schema(
        operation_id="revoke_signing_key",
        responses={200: RevokedSigningKeyAnswer, 404: Error, 409: Error, **REFUSED},
    )
    def delete(self, request: Request, key_id: int) -> Response:
        """Revoke the key. If it was the current one, the newest that stands by signs; the answer says if none does."""
        environment = environment_of(request)
        revoked = revoke_signing_key(str(key_id), within=environment)
        if not revoked.found:
            if not SigningKey.objects.filter(environment=environment, pk=key_id).exists():
                raise NotFound(f"There is no signing key {key_id}")
            raise Conflict(f"It is revoked already: signing key {key_id}")
        return Response(RevokedSigningKeyAnswer(data=RevokedSigningKey(id=key_id, unsigned=revoked.unsigned)))


class RotationView(AdminView):
    @extend_schema(
        operation_id="rotate_signing_keys", request=None, responses={200: SigningKeyAnswer, 409: Error, **REFUSED}
    )
    def post(self, request: Request) -> Response:
        """Let the newest key that stands by sign from now on, and answer it. The one that did so is still accepted."""
        try:
            current = rotate(environment_of(request))
        except NoStandbyError:
            raise Conflict("No signing key stands by: make one, and give it to the apps, first") from None
        return Response(SigningKeyAnswer(data=signing_key_entry(current)))
