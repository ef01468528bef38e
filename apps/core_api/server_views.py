"""`/`, `/dev` and `/v1/openapi.json`: what this server is and can. No token is asked for."""

import msgspec
from django.conf import settings
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.core_api.app_views import app_entry, counted_apps
from apps.core_api.schema import openapi_document
from apps.core_api.tokens import DEV_ENVIRONMENT
from apps.datastore.definition.types import from_json
from apps.datastore.models import Environment, Function
from apps.version import VERSION

MAX_FUNCTIONS = 1_000
MAX_APPS = 100


class PublicView(APIView):
    authentication_classes = []
    permission_classes = []


class RootView(PublicView):
    @extend_schema(exclude=True)
    def get(self, request: Request) -> Response:
        return Response(
            {
                "name": "Inngest server",
                "version": VERSION,
                "kind": "dev" if settings.INNGEST_DEV else "cloud",
                "send_events": "POST /e/<event key>",
                "see": {
                    "events": "/v1/events",
                    "runs": "/v1/runs",
                    "docs": "/api/docs",
                    "openapi": "/v1/openapi.json",
                    "ready": "/ready",
                },
            }
        )


class DevView(PublicView):
    @extend_schema(exclude=True)
    def get(self, request: Request) -> Response:
        """What the SDKs ask to find out whether a dev server is here."""
        if not settings.INNGEST_DEV:
            raise NotFound("This is not a dev server")
        live = Function.objects.filter(environment__slug=DEV_ENVIRONMENT, live_version__isnull=False)
        functions = live.select_related("live_version", "app").order_by("slug")[:MAX_FUNCTIONS]
        apps = counted_apps(Environment.objects.get(slug=DEV_ENVIRONMENT)).order_by("slug")[:MAX_APPS]
        return Response(
            {
                "version": VERSION,
                "functions": [_described(function) for function in functions],
                "apps": [app_entry(app) for app in apps],
            }
        )


class OpenApiView(PublicView):
    @extend_schema(exclude=True)
    def get(self, request: Request) -> Response:
        return Response(msgspec.Raw(openapi_document()))


def _described(function: Function) -> dict[str, object]:
    version = function.live_version
    assert version is not None
    definition = from_json(version.definition)
    of_app = {} if function.app is None else {"app": function.app.slug, "not_enforced": definition.not_enforced}
    return {
        "id": function.slug,
        "name": definition.name,
        **of_app,
        "version": version.number,
        "triggers": [*definition.triggers, *({"cron": cron.cron} for cron in definition.crons)],
        "steps": list(definition.steps),
    }
