"""Where Django answers. `/e/`, `/health` and `/ready` never get here: see `asgi.py`."""

from django.urls import include, path

urlpatterns = [path("", include("apps.core_api.urls"))]
