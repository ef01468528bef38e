"""`manage.py keys`: environments, event keys, signing keys and API tokens from the command line."""

import argparse
from collections.abc import Callable
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.datastore.keys import CannotCreate, create_api_token, create_environment, create_event_key, revoke
from apps.datastore.models import ApiToken, Environment, EventKey, Key, Scope, SigningKey
from apps.datastore.sealing import CannotUnsealError
from apps.datastore.secrets import reseal_secrets
from apps.datastore.signing_keys import (
    NoStandbyError,
    create_signing_key,
    reseal_signing_keys,
    revoke_signing_key,
    rotate,
)

KINDS: dict[str, type[Key]] = {"event": EventKey, "api": ApiToken, "signing": SigningKey}
CREATING: dict[str, Callable[..., str]] = {
    "event": create_event_key,
    "api": create_api_token,
    "signing": create_signing_key,
}
OPTIONS = ("slug", "environment", "name", "which", "kind", "scope")


class Command(BaseCommand):
    help = "List, create, rotate and revoke environments' event keys, signing keys and API tokens."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        listing = actions.add_parser("list", help="what there is (never the keys themselves)")
        listing.set_defaults(act=self._list)
        environment = actions.add_parser("create-environment", help="a world of its own")
        environment.add_argument("slug", help="its name; `branch` is the one whose keys open branch environments")
        environment.set_defaults(act=self._create_environment)
        for word, kind in (("event-key", "event"), ("api-token", "api"), ("signing-key", "signing")):
            create = actions.add_parser(f"create-{word}", help="shown once, on standard output")
            create.add_argument("environment", help="the environment's name")
            create.add_argument("name", help="what it is for")
            create.set_defaults(act=self._create, kind=kind)
            if kind == "api":
                create.add_argument(
                    "--scope",
                    choices=Scope.values,
                    default=Scope.READ,
                    help="read: look only (the default); deploy: also deploy, cancel, invoke; admin: also keys",
                )
            withdraw = actions.add_parser(f"revoke-{word}", help="refused from then on")
            withdraw.add_argument("which", help="the key itself, or its number in the list")
            withdraw.set_defaults(act=self._revoke, kind=kind)
        rotation = actions.add_parser("rotate", help="let the newest key that stands by sign from now on")
        rotation.add_argument("kind", choices=["signing"])
        rotation.add_argument("environment", help="the environment's name")
        rotation.set_defaults(act=self._rotate)
        resealing = actions.add_parser("reseal", help="seal keys and secrets anew, after a change of SECRET_KEY")
        resealing.set_defaults(act=self._reseal)

    def handle(self, *args: Any, **options: Any) -> None:
        options["act"](**{name: options[name] for name in OPTIONS if name in options})

    def _list(self) -> None:
        for environment in Environment.objects.order_by("slug"):
            self.stdout.write(f"{environment.slug}  ({environment.public_id})")
            for word, kind in KINDS.items():
                for key in kind._default_manager.filter(environment=environment).order_by("id"):
                    scope = f"  {key.scope}" if isinstance(key, ApiToken) else ""
                    self.stdout.write(f"  {word:7}  {key.pk:>4}  {key.hint}…  {_state(key)}{scope}  {key.name}")

    def _create_environment(self, slug: str) -> None:
        try:
            environment = create_environment(slug)
        except CannotCreate as error:
            raise CommandError(f"{error}.") from error
        self.stdout.write(f"{environment.slug}  ({environment.public_id})")

    def _create(self, environment: str, name: str, kind: str, **fields: str) -> None:
        found = _environment(environment)
        if found.parent_id is not None:
            raise CommandError("A branch environment has the keys of its parent; make one for that.")
        try:
            self.stdout.write(CREATING[kind](found, name, **fields))
        except CannotCreate as error:
            raise CommandError(f"{error}.") from error
        self.stderr.write("Keep it: it is not shown again.")

    def _revoke(self, which: str, kind: str) -> None:
        if kind == "signing":
            revoked = revoke_signing_key(which)
            found, unsigned = revoked.found, revoked.unsigned
        else:
            found, unsigned = revoke(KINDS[kind], which) > 0, False
        if not found:
            raise CommandError("No live key is known by that text or number.")
        self.stdout.write("Revoked; it is refused within two seconds.")
        if unsigned:
            self.stderr.write("No key of its environment is left: calls of the apps there are not signed any more.")

    def _rotate(self, kind: str, environment: str) -> None:
        try:
            current = rotate(_environment(environment))
        except NoStandbyError as error:
            raise CommandError("No key stands by; `manage.py keys create-signing-key` makes one.") from error
        self.stdout.write(f"{current.hint}… ({current.name}) signs from now on; the other live keys are accepted.")

    def _reseal(self) -> None:
        try:
            self.stdout.write(f"{reseal_signing_keys()} signing keys are sealed with SECRET_KEY.")
            self.stdout.write(f"{reseal_secrets()} secrets are sealed with SECRET_KEY.")
        except CannotUnsealError as error:
            raise CommandError(str(error)) from error


def _environment(slug: str) -> Environment:
    found = Environment.objects.filter(slug=slug).first()
    if found is None:
        raise CommandError(f"There is no environment {slug!r}; `manage.py keys list` shows them.")
    return found


def _state(key: Key) -> str:
    if key.revoked_at:
        return f"revoked {key.revoked_at:%Y-%m-%d %H:%M}"
    if not isinstance(key, SigningKey):
        return "live"
    return "current" if key.is_current else "standby"
