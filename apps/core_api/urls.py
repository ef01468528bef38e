"""Where the REST API answers. Anything else, a malformed id too, is Django's 404 (in our form: see `errors.py`)."""

from django.urls import path, register_converter

from apps.core_api.app_views import AppFunctionsView, AppsView, AppView
from apps.core_api.event_views import EventRunsView, EventStartsView, EventsView, EventView, EventWaitsView
from apps.core_api.invoke_views import InvokeView
from apps.core_api.registration_views import RegisterView
from apps.core_api.run_views import HistoryView, RunsView, RunView, StepView
from apps.core_api.sdk_state_views import ActionsView, BatchView
from apps.core_api.server_views import DevView, OpenApiView, RootView
from apps.core_api.signal_views import SignalsView


class UlidConverter:
    """An event's internal id, or a run's: 26 characters of Crockford's base 32, in either case."""

    regex = "[0-7][0-9A-HJKMNP-TV-Za-hjkmnp-tv-z]{25}"

    def to_python(self, value: str) -> str:
        return value.upper()

    def to_url(self, value: str) -> str:
        return value


register_converter(UlidConverter, "ulid")

urlpatterns = [
    path("", RootView.as_view()),
    path("dev", DevView.as_view()),
    path("fn/register", RegisterView.as_view()),
    path("invoke/<path:function_id>", InvokeView.as_view()),
    path("v0/runs/<ulid:run_id>/actions", ActionsView.as_view()),
    path("v0/runs/<ulid:run_id>/batch", BatchView.as_view()),
    path("v1/apps", AppsView.as_view()),
    # In this order: an app's id may have slashes. One that ends in `/functions` is only in the list of all.
    path("v1/apps/<path:app_id>/functions", AppFunctionsView.as_view()),
    path("v1/apps/<path:app_id>", AppView.as_view()),
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
    path("v1/signals", SignalsView.as_view()),
]
