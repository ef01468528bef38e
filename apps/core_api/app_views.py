"""`/v1/apps`: the programs that have registered functions, how that went last, and what they serve."""

from datetime import datetime
from typing import TypeVar
from uuid import UUID

import msgspec
from django.db.models import Count, Q, QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.core_api.answers import Answer, Json, Page
from apps.core_api.errors import Error
from apps.core_api.parameters import PageRequest, page_parameters
from apps.core_api.rendering import raw
from apps.core_api.schema import PAGING
from apps.core_api.tokens import environment_of
from apps.core_api.triggers import Trigger, triggers_of
from apps.datastore.definition.sdk_values import without_userinfo
from apps.datastore.definition.types import from_json
from apps.datastore.models import App, Environment, Function

Row = TypeVar("Row", App, Function)


class AppEntry(msgspec.Struct, kw_only=True):
    id: str
    app_id: UUID
    sync_id: UUID
    """Of the registration that changed something last."""
    url: str
    sdk: str
    framework: str
    app_version: str
    functions: int
    """How many are live."""
    synced_at: datetime | None
    """When it last registered, whether or not anything had changed."""
    archived_at: datetime | None
    error: str | None
    """Why the last registration was refused; what was live before is live still."""


class AppFunction(msgspec.Struct, kw_only=True):
    id: str
    name: str
    version: int
    triggers: list[Trigger]
    """None at all for one that is only invoked."""
    url: str
    """What is called to run it."""
    attempts: int
    not_enforced: list[str]
    """What it asks for that this server does not enforce yet."""
    config: Json | None
    """What is not enforced, as it was registered."""


class AppAnswer(Answer):
    data: AppEntry


class AppsAnswer(Answer):
    data: list[AppEntry]
    page: Page


class AppFunctionsAnswer(Answer):
    data: list[AppFunction]
    page: Page


class AppsView(APIView):
    @extend_schema(operation_id="list_apps", parameters=PAGING, responses={200: AppsAnswer, 400: Error, 401: Error})
    def get(self, request: Request) -> Response:
        """The apps of the environment, by id."""
        asked = page_parameters(request, of="apps")
        found = _page(counted_apps(environment_of(request)), asked)
        return Response(AppsAnswer(data=[app_entry(app) for app in found[: asked.limit]], page=_ended(found, asked)))


class AppView(APIView):
    @extend_schema(operation_id="get_app", responses={200: AppAnswer, 401: Error, 404: Error})
    def get(self, request: Request, app_id: str) -> Response:
        """The app with this id."""
        return Response(AppAnswer(data=app_entry(_app(request, app_id))))


class AppFunctionsView(APIView):
    @extend_schema(
        operation_id="list_functions_of_app",
        parameters=PAGING,
        responses={200: AppFunctionsAnswer, 400: Error, 401: Error, 404: Error},
    )
    def get(self, request: Request, app_id: str) -> Response:
        """The app's live functions, by id."""
        app, asked = _app(request, app_id), page_parameters(request, of="functions of an app")
        live = Function.objects.filter(app=app, live_version__isnull=False).select_related("live_version")
        found = _page(live, asked)
        functions = [_function(function) for function in found[: asked.limit]]
        return Response(AppFunctionsAnswer(data=functions, page=_ended(found, asked)))


def counted_apps(environment: Environment) -> QuerySet[App]:
    """With `live`, the number of functions that are."""
    apps = App.objects.filter(environment=environment)
    return apps.annotate(live=Count("functions", filter=Q(functions__live_version__isnull=False)))


def app_entry(app: App) -> AppEntry:
    """Of one that `counted_apps` gave."""
    return AppEntry(
        id=app.slug,
        app_id=app.public_id,
        sync_id=app.sync_id,
        url=without_userinfo(app.url),
        sdk=app.sdk,
        framework=app.framework,
        app_version=app.app_version,
        functions=getattr(app, "live", 0),
        synced_at=app.synced_at,
        archived_at=app.archived_at,
        error=app.error or None,
    )


def _app(request: Request, app_id: str) -> App:
    app = counted_apps(environment_of(request)).filter(slug=app_id).first() if "\0" not in app_id else None
    if app is None:
        raise NotFound(f"There is no app {app_id}")
    return app


def _page(rows: QuerySet[Row], asked: PageRequest) -> list[Row]:
    """One more than is asked for, if there is one."""
    after = {} if asked.after is None else {"slug__gt": asked.after}
    return list(rows.filter(**after).order_by("slug")[: asked.limit + 1])


def _ended(found: list[App] | list[Function], asked: PageRequest) -> Page:
    return asked.answer(found[asked.limit - 1].slug if len(found) > asked.limit else None)


def _function(function: Function) -> AppFunction:
    version = function.live_version
    assert version is not None
    definition = from_json(version.definition)
    (step,) = definition.steps.values()
    return AppFunction(
        id=function.slug,
        name=definition.name,
        version=version.number,
        triggers=triggers_of(definition),
        url=without_userinfo(str(step.runtime.options["url"])),
        attempts=step.attempts,
        not_enforced=list(definition.not_enforced),
        config=raw(definition.config or None),
    )
