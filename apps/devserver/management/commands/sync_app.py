"""`python manage.py sync_app ENVIRONMENT URL`: has an app of an SDK tell its functions, and makes them live."""

import argparse
from typing import Any

from django.core.management.base import BaseCommand

from apps.datastore.definition import InvalidDefinition
from apps.datastore.definition.sdk_values import without_userinfo
from apps.datastore.models import Environment
from apps.datastore.registering import Registered, note_refusal, register
from apps.datastore.sdk_app import Registration, parse_registration
from apps.datastore.sealing import CannotUnsealError
from apps.datastore.signing_keys import current_signing_key
from apps.devserver.app_addresses import written_out
from apps.devserver.secrets_in_urls import without_secrets
from drivers.sdk_sync import SyncFailed, sync_in_band
from drivers.shown_text import one_line


class NotSynced(Exception):
    """One line for the person at the terminal."""


class Command(BaseCommand):
    help = "Syncs an app in band: asks it, signed with the environment's key, for its functions, and makes them live."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("environment", help="the environment's name, such as production")
        parser.add_argument("url", help="where the app serves its functions, such as https://example.com/api/inngest")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            for line in sync(options["environment"], options["url"]):
                self.stdout.write(line)
        except NotSynced as fault:
            self.stderr.write(without_secrets(f"not synced: {fault}"))
            raise SystemExit(1) from None


def sync(slug: str, text: str) -> list[str]:
    """What changed, in words. Raises NotSynced."""
    environment = Environment.objects.filter(slug=slug).first()
    if environment is None:
        known = ", ".join(Environment.objects.order_by("slug").values_list("slug", flat=True))
        raise NotSynced(f"there is no environment {slug!r}; there are {known}")
    try:
        url = written_out(text)
        key = current_signing_key(environment.pk)
        if key is None:
            raise NotSynced(f"the environment {slug!r} has no signing key; manage.py keys makes one")
        registration = parse_registration(sync_in_band(url, key))
    except (ValueError, SyncFailed, CannotUnsealError) as fault:
        raise NotSynced(str(fault)) from None
    except InvalidDefinition as invalid:
        raise NotSynced(f"the app at {url} has faults: {_shown(invalid)}") from None
    return _lines(_register(environment, registration), registration)


def _register(environment: Environment, registration: Registration) -> Registered:
    try:
        return register(environment, registration)
    except InvalidDefinition as invalid:
        note_refusal(environment, registration.app, _shown(invalid))
        raise NotSynced(f"the app {registration.app} was refused: {_shown(invalid)}") from None


def _lines(registered: Registered, registration: Registration) -> list[str]:
    head = f"synced app {registered.app.slug} from {without_userinfo(registered.app.url)}"
    if not registered.modified:
        return [f"{head}: nothing has changed"]
    return [
        f"{head}: {len(registration.definitions)} functions",
        *(f"  changed {slug}" for slug in registered.changed),
        *(f"  archived {slug}" for slug in registered.archived),
    ]


def _shown(invalid: InvalidDefinition) -> str:
    return one_line("; ".join(f"{fault.path}: {fault.message}" for fault in invalid.faults))
