"""`python manage.py settings_page`: writes docs/settings.md from the list of settings."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from inngest_server.environment import SETTINGS, Setting

_HEAD = """\
# Settings

All of them are environment variables, read once when a process starts. This page is written by
`manage.py settings_page` from `inngest_server/environment.py`; a test holds the two together.

Outside dev mode the server does not start without those marked *required*, and says which are missing. A value that
cannot be read stops it too, with all such values named at once. The dev server (`make dev`) sets `INNGEST_DEV` itself,
and `SECRET_KEY`, `DATABASE_URL` and `BROKER_URL` where you do not.

| variable | default | meaning |
|---|---|---|
"""


def page() -> str:
    """The page, as Markdown."""
    return _HEAD + "".join(f"| `{one.name}` | {_default(one)} | {one.meaning} |\n" for one in SETTINGS)


def _default(setting: Setting) -> str:
    if setting.required:
        return "*required*"
    text = f"`{_shown(setting.default)}`" if setting.default not in ("", None) else "none"
    if setting.in_dev is None:
        return text
    return f"{text}; in dev mode `{_shown(setting.in_dev)}`" if setting.in_dev != [] else f"{text}; in dev mode none"


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return str(int(value))
    return ",".join(value) if isinstance(value, list) else str(value)


class Command(BaseCommand):
    help = "Writes docs/settings.md from the list of settings."

    def handle(self, *args: Any, **options: Any) -> None:
        path = Path(settings.BASE_DIR, "docs", "settings.md")
        path.write_text(page(), encoding="utf-8")
        self.stdout.write(f"wrote {path}")
