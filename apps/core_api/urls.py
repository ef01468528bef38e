"""Where the REST API answers. Anything else, a malformed id too, is Django's 404 (in our form: see `errors.py`)."""

from django.urls import path, register_converter

from apps.core_api.app_views import AppFunctionsView, AppsView, AppView
from apps.core_api.deploy_views import DeployRollbackView, DeploysView, DeployView
from apps.core_api.docs_views import docs_file, docs_page
from apps.core_api.environment_views import EnvironmentsView, EnvironmentView
from apps.core_api.event_views import EventRunsView, EventStartsView, EventsView, EventView, EventWaitsView
from apps.core_api.function_views import (
    FunctionArchiveView,
    FunctionLiveView,
    FunctionRollbackView,
    FunctionsView,
    FunctionView,
)
from apps.core_api.image_views import ImagesView
from apps.core_api.invoke_views import InvokeView
from apps.core_api.key_views import ApiTokensView, ApiTokenView, EventKeysView, EventKeyView
from apps.core_api.registration_views import RegisterView
from apps.core_api.run_views import HistoryView, RunsView, RunView, StepView
from apps.core_api.sdk_state_views import ActionsView, BatchView
from apps.core_api.secret_views import SecretsView, SecretView
from apps.core_api.server_views import DevView, OpenApiView, RootView
from apps.core_api.signal_views import SignalsView
from apps.core_api.signing_key_views import RotationView, SigningKeysView, SigningKeyView
from apps.core_api.version_views import DiffView, VersionFileView, VersionsView, VersionView
from apps.core_api.whoami_views import WhoamiView


class UlidConverter:
    """An event's internal id, or a run's: 26 characters of Crockford's base 32, in either case."""

    regex = "[0-7][0-9A-HJKMNP-TV-Za-hjkmnp-tv-z]{25}"

    def to_python(self, value: str) -> str:
        return value.upper()

    def to_url(self, value: str) -> str:
        return value


class FunctionIdConverter:
    """A function's id. An app's may have slashes; what follows it ends it as early as can be."""

    regex = ".+?"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


class NumberConverter:
    """Of a version or a deploy: from 1 to what the database counts to."""

    regex = "[1-9][0-9]{0,8}"

    def to_python(self, value: str) -> int:
        return int(value)

    def to_url(self, value: int) -> str:
        return str(value)


register_converter(UlidConverter, "ulid")
register_converter(FunctionIdConverter, "function")
register_converter(NumberConverter, "number")

urlpatterns = [
    path("", RootView.as_view()),
    path("dev", DevView.as_view()),
    path("api/docs", docs_page),
    path("api/docs/<str:name>", docs_file),
    path("fn/register", RegisterView.as_view()),
    path("invoke/<path:function_id>", InvokeView.as_view()),
    path("v0/runs/<ulid:run_id>/actions", ActionsView.as_view()),
    path("v0/runs/<ulid:run_id>/batch", BatchView.as_view()),
    path("v1/api-tokens", ApiTokensView.as_view()),
    path("v1/api-tokens/<int:key_id>", ApiTokenView.as_view()),
    path("v1/apps", AppsView.as_view()),
    # In this order: an app's id may have slashes. One that ends in `/functions` is only in the list of all.
    path("v1/apps/<path:app_id>/functions", AppFunctionsView.as_view()),
    path("v1/apps/<path:app_id>", AppView.as_view()),
    path("v1/deploys", DeploysView.as_view()),
    path("v1/deploys/<number:number>", DeployView.as_view()),
    path("v1/deploys/<number:number>/rollback", DeployRollbackView.as_view()),
    path("v1/environments", EnvironmentsView.as_view()),
    path("v1/environments/<path:name>", EnvironmentView.as_view()),
    path("v1/event-keys", EventKeysView.as_view()),
    path("v1/event-keys/<int:key_id>", EventKeyView.as_view()),
    path("v1/functions", FunctionsView.as_view()),
    path("v1/functions/<function:function_id>/versions", VersionsView.as_view()),
    path("v1/functions/<function:function_id>/versions/<number:number>", VersionView.as_view()),
    path("v1/functions/<function:function_id>/versions/<number:number>/files/<path:path>", VersionFileView.as_view()),
    path("v1/functions/<function:function_id>/diff", DiffView.as_view()),
    path("v1/functions/<function:function_id>/live", FunctionLiveView.as_view()),
    path("v1/functions/<function:function_id>/rollback", FunctionRollbackView.as_view()),
    path("v1/functions/<function:function_id>/archive", FunctionArchiveView.as_view()),
    # The last: the id of an app's function may end in any of these.
    path("v1/functions/<function:function_id>", FunctionView.as_view()),
    path("v1/images", ImagesView.as_view()),
    path("v1/openapi.json", OpenApiView.as_view()),
    path("v1/events", EventsView.as_view()),
    path("v1/events/<ulid:event_id>", EventView.as_view()),
    path("v1/events/<ulid:event_id>/runs", EventRunsView.as_view()),
    path("v1/events/<ulid:event_id>/starts", EventStartsView.as_view()),
    path("v1/events/<ulid:event_id>/waits", EventWaitsView.as_view()),
    path("v1/runs", RunsView.as_view()),
    path("v1/runs/<ulid:run_id>", RunView.as_view()),
    path("v1/runs/<ulid:run_id>/history", HistoryView.as_view()),
    path("v1/runs/<ulid:run_id>/steps/<str:step_id>", StepView.as_view()),
    path("v1/secrets", SecretsView.as_view()),
    path("v1/secrets/<str:name>", SecretView.as_view()),
    path("v1/signals", SignalsView.as_view()),
    path("v1/signing-keys", SigningKeysView.as_view()),
    path("v1/signing-keys/<int:key_id>", SigningKeyView.as_view()),
    path("v1/signing-keys/rotate", RotationView.as_view()),
    path("v1/whoami", WhoamiView.as_view()),
]
