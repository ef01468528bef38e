"""`/v1/whoami`: which server this is, which environment is meant, and what the shown key is good for."""

from typing import Literal
from uuid import UUID

import msgspec
from django.conf import settings
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.core_api.access import SCOPE_NAMES, AccessKind, ScopeName
from apps.core_api.answers import Answer
from apps.core_api.errors import Error
from apps.core_api.tokens import access_of, any_environment
from apps.version import VERSION


class WhoamiServer(msgspec.Struct, kw_only=True):
    version: str
    kind: Literal["dev", "cloud"]


class WhoamiEnvironment(msgspec.Struct, kw_only=True):
    name: str
    id: UUID
    parent: str | None
    """Of a branch environment."""


class WhoamiAccess(msgspec.Struct, kw_only=True):
    """`id`, `name` and `hint` are null in dev mode, where no key is asked for."""

    kind: AccessKind
    id: int | None
    name: str | None
    hint: str | None
    scope: ScopeName


class Whoami(msgspec.Struct, kw_only=True):
    server: WhoamiServer
    environment: WhoamiEnvironment
    access: WhoamiAccess


class WhoamiAnswer(Answer):
    data: Whoami


class WhoamiView(APIView):
    environment_meant = staticmethod(any_environment)

    @extend_schema(operation_id="whoami", responses={200: WhoamiAnswer, 400: Error, 401: Error})
    def get(self, request: Request) -> Response:
        """What the shown key is good for, and where. With any scope."""
        access = access_of(request)
        environment, parent = access.environment, access.environment.parent
        whoami = Whoami(
            server=WhoamiServer(version=VERSION, kind="dev" if settings.INNGEST_DEV else "cloud"),
            environment=WhoamiEnvironment(
                name=environment.slug, id=environment.public_id, parent=None if parent is None else parent.slug
            ),
            access=WhoamiAccess(
                kind=access.kind, id=access.id, name=access.name, hint=access.hint, scope=SCOPE_NAMES[access.scope]
            ),
        )
        return Response(WhoamiAnswer(data=whoami))
