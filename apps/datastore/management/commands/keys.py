"""`manage.py keys`: environments, event keys and API tokens from the command line."""

import argparse
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.core.validators import validate_slug
from django.db import IntegrityError

from apps.datastore.keys import create_api_token, create_environment, create_event_key, revoke
from apps.datastore.models import ApiToken, Environment, EventKey, Key

KINDS: dict[str, type[Key]] = {"event": EventKey, "api": ApiToken}


class Command(BaseCommand):
    help = "List, create and revoke environments' event keys and API tokens."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        listing = actions.add_parser("list", help="what there is (never the keys themselves)")
        listing.set_defaults(act=self._list)
        environment = actions.add_parser("create-environment", help="a world of its own")
        environment.add_argument("slug")
        environment.set_defaults(act=self._create_environment)
        for word, kind in (("event-key", "event"), ("api-token", "api")):
            create = actions.add_parser(f"create-{word}", help="shown once, on standard output")
            create.add_argument("environment", help="the environment's name")
            create.add_argument("name", help="what it is for")
            create.set_defaults(act=self._create, kind=kind)
            withdraw = actions.add_parser(f"revoke-{word}", help="refused from then on")
            withdraw.add_argument("which", help="the key itself, or its number in the list")
            withdraw.set_defaults(act=self._revoke, kind=kind)

    def handle(self, *args: Any, **options: Any) -> None:
        options["act"](
            **{name: options[name] for name in ("slug", "environment", "name", "which", "kind") if name in options}
        )

    def _list(self) -> None:
        for environment in Environment.objects.order_by("slug"):
            self.stdout.write(f"{environment.slug}  ({environment.public_id})")
            for word, kind in KINDS.items():
                for key in kind._default_manager.filter(environment=environment).order_by("id"):
                    state = f"revoked {key.revoked_at:%Y-%m-%d %H:%M}" if key.revoked_at else "live"
                    self.stdout.write(f"  {word:5}  {key.pk:>4}  {key.hint}…  {state}  {key.name}")

    def _create_environment(self, slug: str) -> None:
        try:
            validate_slug(slug)
            environment = create_environment(slug)
        except IntegrityError as error:
            raise CommandError(f"There is an environment {slug!r} already.") from error
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        self.stdout.write(f"{environment.slug}  ({environment.public_id})")

    def _create(self, environment: str, name: str, kind: str) -> None:
        found = Environment.objects.filter(slug=environment).first()
        if found is None:
            raise CommandError(f"There is no environment {environment!r}; `manage.py keys list` shows them.")
        self.stdout.write(create_event_key(found, name) if kind == "event" else create_api_token(found, name))
        self.stderr.write("Keep it: it is not shown again.")

    def _revoke(self, which: str, kind: str) -> None:
        if not revoke(KINDS[kind], which):
            raise CommandError("No live key is known by that text or number.")
        self.stdout.write("Revoked; it is refused within two seconds.")
