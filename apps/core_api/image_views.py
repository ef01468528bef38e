"""`/v1/images`: where the images of docker steps go that are built before a deploy."""

from typing import Annotated

import msgspec
from django.conf import settings
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.core_api.answers import Answer
from apps.core_api.errors import Error
from apps.core_api.tokens import any_environment
from apps.datastore.models import Scope


class Images(msgspec.Struct, kw_only=True):
    registry: Annotated[
        str,
        msgspec.Meta(
            description="Whoever deploys pushes images there, and workers pull them; empty: each engine builds its own."
        ),
    ]
    built_by_workers: Annotated[
        bool, msgspec.Meta(description="Whether workers build what is neither on their engine nor in the registry.")
    ]


class ImagesAnswer(Answer):
    data: Images


class ImagesView(APIView):
    """Only for who deploys: nobody else has to know where a company keeps its images."""

    environment_meant = staticmethod(any_environment)
    needs = Scope.DEPLOY

    @extend_schema(operation_id="get_images", responses={200: ImagesAnswer, 400: Error, 401: Error, 403: Error})
    def get(self, request: Request) -> Response:
        """Where images go that are built from the folders of docker steps, and whether workers build them too."""
        return Response(
            ImagesAnswer(
                data=Images(registry=settings.DOCKER_REGISTRY.rstrip("/"), built_by_workers=settings.DOCKER_BUILD)
            )
        )
