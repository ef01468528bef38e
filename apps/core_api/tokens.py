"""Who may use the REST API: outside dev mode, whoever shows a token of an environment, and sees that environment."""

from typing import TYPE_CHECKING

from django.conf import settings
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from apps.datastore.keys import digest_of
from apps.datastore.models import ApiToken, Environment

if TYPE_CHECKING:  # as DRF imports this module while it defines its views
    from rest_framework.views import APIView

DEV_ENVIRONMENT = "dev"


class TokenAuthentication(BaseAuthentication):
    """`Authorization: Bearer <token>`. There are no users: `request.auth` is the environment."""

    def authenticate(self, request: Request) -> tuple[None, Environment] | None:
        if settings.INNGEST_DEV:
            return None, Environment.objects.get(slug=DEV_ENVIRONMENT)
        scheme, _, token = get_authorization_header(request).strip().partition(b" ")
        if not scheme:
            return None
        if scheme.lower() != b"bearer" or not token.strip():
            raise AuthenticationFailed("`Authorization` must be `Bearer <API token>`")
        found = (
            ApiToken.objects.select_related("environment")
            .filter(digest=digest_of(token.strip().decode("latin-1")), revoked_at=None)
            .first()
        )
        if found is None:
            raise AuthenticationFailed("API token not found")
        return None, found.environment

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


class MayUseApi(BasePermission):
    message = "An API token is needed: `Authorization: Bearer <API token>`"

    def has_permission(self, request: Request, view: "APIView") -> bool:
        return request.auth is not None


def environment_of(request: Request) -> Environment:
    """The environment whose rows the request may see; all others' do not exist for it."""
    environment = request.auth
    assert isinstance(environment, Environment)
    return environment
