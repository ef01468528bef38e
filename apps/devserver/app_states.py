"""The dev environment's apps at a moment, and what has changed between two moments, in words."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from apps.datastore.definition.sdk_values import without_userinfo
from apps.datastore.models import App, Function


@dataclass(frozen=True, slots=True)
class AppState:
    """An app as it registered itself last."""

    slug: str
    url: str
    synced_at: datetime | None
    error: str
    functions: Mapping[str, int]
    """The number of the live version, by the function's id."""


def read_apps(environment: str = "dev") -> dict[str, AppState]:
    """The apps of the environment that are not archived, by their ids."""
    functions: dict[int, dict[str, int]] = {}
    live = Function.objects.filter(environment__slug=environment, app__isnull=False, live_version__isnull=False)
    for app, slug, number in live.order_by("slug").values_list("app_id", "slug", "live_version__number"):
        functions.setdefault(app, {})[slug] = number
    return {
        app.slug: AppState(app.slug, app.url, app.synced_at, app.error, functions.get(app.pk, {}))
        for app in App.objects.filter(environment__slug=environment, archived_at=None).order_by("slug")
    }


def changes(before: Mapping[str, AppState], after: Mapping[str, AppState]) -> list[str]:
    """A line for each app whose URL or functions are not what they were."""
    lines = [_change(before.get(slug), app) for slug, app in after.items()]
    return [*filter(None, lines), *(f"app {slug} is archived" for slug in before if slug not in after)]


def _change(was: AppState | None, app: AppState) -> str:
    if app.synced_at is None or app == was:
        return ""
    synced = f"synced app {app.slug} from {without_userinfo(app.url)}"
    if was is None or was.synced_at is None:
        return f"{synced}: {_counted(len(app.functions))}"
    told = [f"was at {without_userinfo(was.url)}"] if was.url != app.url else []
    for verb, slugs in (
        ("added", [slug for slug in app.functions if slug not in was.functions]),
        ("changed", [slug for slug, number in app.functions.items() if was.functions.get(slug, number) != number]),
        ("removed", [slug for slug in was.functions if slug not in app.functions]),
    ):
        if slugs:
            told.append(f"{verb} {', '.join(slugs)}")
    return f"{synced}: {'; '.join(told)}" if told else ""


def _counted(number: int) -> str:
    return "1 function" if number == 1 else f"{number} functions"
