"""Who may use the REST API: outside dev mode, whoever shows a key of an environment, and sees that environment."""

from typing import TYPE_CHECKING

from django.conf import settings
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed, ParseError
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from apps.datastore.environments import HEADER, NoBranchError, check_name, environment_for, is_of_branches
from apps.datastore.keys import digest_of
from apps.datastore.models import ApiToken, Environment
from apps.datastore.signing_keys import environment_of_bearer, is_bearer

if TYPE_CHECKING:  # as DRF imports this module while it defines its views
    from rest_framework.views import APIView

DEV_ENVIRONMENT = "dev"


class TokenAuthentication(BaseAuthentication):
    """`Authorization: Bearer <token>`, an API token or a signing key as clients show it: hashed.

    There are no users: `request.auth` is the environment.
    """

    def authenticate(self, request: Request) -> tuple[None, Environment] | None:
        if settings.INNGEST_DEV:
            return None, Environment.objects.get(slug=DEV_ENVIRONMENT)
        token = _bearer(request, "API token")
        if token is None:
            return None
        owner = _owner_of_signing_key(token) if is_bearer(token) else _owner_of_api_token(token)
        try:
            return None, environment_for(owner, request.headers.get(HEADER))
        except NoBranchError as error:
            raise ParseError(str(error)) from error

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


class SyncAuthentication(TokenAuthentication):
    """For registering: a signing key only.

    `request.auth` is the key's own environment, even if that opens branch environments: the one that is meant may not
    be there yet, and is made only for what can be registered.
    """

    def authenticate(self, request: Request) -> tuple[None, Environment] | None:
        if settings.INNGEST_DEV:
            return super().authenticate(request)
        token = _bearer(request, "signing key, hashed")
        if token is None:
            raise AuthenticationFailed("A signing key is needed: set INNGEST_SIGNING_KEY for the app")
        owner = _owner_of_signing_key(token)
        try:
            if is_of_branches(owner):
                check_name(request.headers.get(HEADER))
        except NoBranchError as error:
            raise ParseError(str(error)) from error
        return None, owner


class MayUseApi(BasePermission):
    message = "An API token is needed: `Authorization: Bearer <API token>`"

    def has_permission(self, request: Request, view: "APIView") -> bool:
        return request.auth is not None


def environment_of(request: Request) -> Environment:
    """The environment whose rows the request may see; all others' do not exist for it."""
    environment = request.auth
    assert isinstance(environment, Environment)
    return environment


def _bearer(request: Request, what: str) -> str | None:
    """What the header shows; None if there is no header."""
    scheme, _, token = get_authorization_header(request).strip().partition(b" ")
    if not scheme:
        return None
    if scheme.lower() != b"bearer" or not token.strip():
        raise AuthenticationFailed(f"`Authorization` must be `Bearer <{what}>`")
    return str(token.strip().decode("latin-1"))


def _owner_of_api_token(token: str) -> Environment:
    found = ApiToken.objects.select_related("environment").filter(digest=digest_of(token), revoked_at=None).first()
    if found is None:
        raise AuthenticationFailed("API token not found")
    return found.environment


def _owner_of_signing_key(token: str) -> Environment:
    owner = environment_of_bearer(token)
    if owner is None:
        raise AuthenticationFailed("Signing key not found")
    return owner
