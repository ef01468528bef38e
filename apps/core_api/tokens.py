"""Who may use the REST API: outside dev mode, whoever shows a key of an environment, and sees that environment."""

from typing import TYPE_CHECKING

from django.conf import settings
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed, NotAuthenticated, ParseError, PermissionDenied
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from apps.core_api.access import Access, access_by_signing_key, access_by_token, access_in_dev_mode
from apps.datastore.environments import HEADER, NoBranchError, check_name, environment_for, is_of_branches
from apps.datastore.keys import digest_of
from apps.datastore.models import ApiToken, Environment, Scope
from apps.datastore.signing_keys import is_bearer, key_of_bearer

if TYPE_CHECKING:  # as DRF imports this module while it defines its views
    from rest_framework.views import APIView

DEV_ENVIRONMENT = "dev"
_NO_KEY = "An API token is needed: `Authorization: Bearer <API token>`"


class TokenAuthentication(BaseAuthentication):
    """`Authorization: Bearer <token>`, an API token or a signing key as clients show it: hashed.

    There are no users: `request.auth` is an Access. A key of branch environments opens the one that `x-inngest-env`
    names; a view that takes it otherwise has its own `environment_meant` (`own_environment`, `any_environment`).
    """

    def authenticate(self, request: Request) -> tuple[None, Access] | None:
        if settings.INNGEST_DEV:
            return None, access_in_dev_mode(Environment.objects.get(slug=DEV_ENVIRONMENT))
        token = _bearer(get_authorization_header(request), "API token")
        if token is None:
            return None
        access = _access_by(token)
        meant = getattr(request.parser_context["view"], "environment_meant", environment_for)
        try:
            return None, access._replace(environment=meant(access.owner, request.headers.get(HEADER)))
        except NoBranchError as error:
            raise ParseError(str(error)) from error

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


class SyncAuthentication(TokenAuthentication):
    """For registering: a signing key only.

    The environment is the key's own, even if that opens branch environments: the one that is meant may not be there
    yet, and is made only for what can be registered.
    """

    def authenticate(self, request: Request) -> tuple[None, Access] | None:
        if settings.INNGEST_DEV:
            return super().authenticate(request)
        token = _bearer(get_authorization_header(request), "signing key, hashed")
        if token is None:
            raise AuthenticationFailed("A signing key is needed: set INNGEST_SIGNING_KEY for the app")
        access = _access_by_signing_key(token)
        try:
            if is_of_branches(access.owner):
                check_name(request.headers.get(HEADER))
        except NoBranchError as error:
            raise ParseError(str(error)) from error
        return None, access


class MayUseApi(BasePermission):
    """Reading needs the scope `read`, all else `deploy`. A view that needs another for everything says so: `needs`."""

    def has_permission(self, request: Request, view: "APIView") -> bool:
        if request.auth is None:
            raise NotAuthenticated(_NO_KEY)
        if request.method not in view.allowed_methods:
            return True  # to be answered with a 405: no scope would help
        _check_scope(access_of(request), _needed(request, view))
        return True


def check_may_deploy(header: bytes) -> None:
    """Whether whoever shows this `Authorization` may deploy, before there is a request. Raises APIException if not."""
    token = _bearer(header, "API token")
    if token is None:
        raise NotAuthenticated(_NO_KEY)
    _check_scope(_access_by(token), Scope.DEPLOY)


def access_of(request: Request) -> Access:
    """What the request may do, by the key that it shows."""
    access = request.auth
    assert isinstance(access, Access)
    return access


def environment_of(request: Request) -> Environment:
    """The environment whose rows the request may see; all others' do not exist for it."""
    return access_of(request).environment


def own_environment(owner: Environment, header: str | None) -> Environment:
    """For keys and environments: a branch has no keys of its own, and before there is one its parent's are needed."""
    return owner


def any_environment(owner: Environment, header: str | None) -> Environment:
    """A key of branch environments may be shown without a branch's name, and then opens their parent itself."""
    return environment_for(owner, header) if header else owner


def actor_of(request: Request) -> str:
    """Who asks, for the record of what they do: 200 characters at most."""
    return access_of(request).actor


def _needed(request: Request, view: "APIView") -> Scope:
    needs: Scope | None = getattr(view, "needs", None)
    if needs is not None:
        return needs
    return Scope.READ if request.method in SAFE_METHODS else Scope.DEPLOY


def _bearer(header: bytes, what: str) -> str | None:
    """What the header shows; None if there is no header."""
    scheme, _, token = header.strip().partition(b" ")
    if not scheme:
        return None
    if scheme.lower() != b"bearer" or not token.strip():
        raise AuthenticationFailed(f"`Authorization` must be `Bearer <{what}>`")
    return str(token.strip().decode("latin-1"))


def _check_scope(access: Access, needed: Scope) -> None:
    if not access.allows(needed):
        holder = "this one" if access.kind == "api-token" else "a signing key"
        raise PermissionDenied(f"This needs an API token of scope {needed}; {holder} has {access.scope}")


def _access_by(token: str) -> Access:
    return _access_by_signing_key(token) if is_bearer(token) else _access_by_api_token(token)


def _access_by_api_token(token: str) -> Access:
    found = ApiToken.objects.select_related("environment").filter(digest=digest_of(token), revoked_at=None).first()
    if found is None:
        raise AuthenticationFailed("API token not found")
    return access_by_token(found)


def _access_by_signing_key(token: str) -> Access:
    found = key_of_bearer(token)
    if found is None:
        raise AuthenticationFailed("Signing key not found")
    return access_by_signing_key(found)
