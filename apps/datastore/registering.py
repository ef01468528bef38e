"""An app's registration made live: all of its functions in one transaction, or none of them (rule 12)."""

import hashlib
import logging
import uuid
from typing import NamedTuple

import msgspec
from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now

from apps.datastore.definition.faults import FaultLog, InvalidDefinition, at
from apps.datastore.deploying import Content, deploy_locked
from apps.datastore.deploys import By
from apps.datastore.locking import limit_waits, lock_or_make
from apps.datastore.models import App, Deploy, Environment, Function
from apps.datastore.sdk_app import ROOT, Registration

log = logging.getLogger(__name__)

MAX_ERROR = 10_000


class Registered(NamedTuple):
    """What a registration did."""

    app: App
    modified: bool
    sync_id: uuid.UUID
    """Of the registration that changed something last: of this one if it did."""
    app_id: uuid.UUID
    changed: list[str]
    """The functions that it made another version of live."""
    archived: list[str]
    """Those that the app no longer has: nothing starts them any more, and their runs go on."""


@transaction.atomic
def register(environment: Environment, registration: Registration) -> Registered:
    """Make the app's functions, and no others of it, live. The same content again changes nothing.

    Raises InvalidDefinition if a function's id is taken by another app, or by a declared function.
    """
    app, is_new = _lock_app(environment, registration)
    functions = _lock_functions(app, registration)
    wanted = {definition.id: definition for definition in registration.definitions}
    _refuse_taken(app, functions, registration)
    gone = [function for slug, function in functions.items() if slug not in wanted]
    contents = [Content(definition) for definition in wanted.values()]
    by = By(Deploy.Kind.REGISTER, f"app {app.slug}")
    deployed = deploy_locked(environment, functions, contents, by, gone=gone)
    changed = [change.function_id for change in deployed.changes if change.kind != "unchanged"]
    archived = [function.slug for function in gone]
    digest = _digest(registration)
    modified = is_new or bool(changed or archived) or digest != app.digest or app.archived_at is not None
    _write(app, registration, digest, modified)
    asking = {slug: ", ".join(wanted[slug].not_enforced) for slug in changed if wanted[slug].not_enforced}
    transaction.on_commit(lambda: _warn(asking))
    return Registered(app, modified, app.sync_id, app.public_id, changed, archived)


def note_refusal(environment: Environment, slug: str, reason: str) -> None:
    """Keep why the app's registration was refused, for people to see: what is live stays as it is."""
    App.objects.filter(environment=environment, slug=slug).update(error=reason[:MAX_ERROR])


def _lock_app(environment: Environment, registration: Registration) -> tuple[App, bool]:
    """Registrations of one app go one after the other."""
    limit_waits()
    _, is_new = App.objects.get_or_create(environment=environment, slug=registration.app)
    return App.objects.select_for_update().get(environment=environment, slug=registration.app), is_new


def _lock_functions(app: App, registration: Registration) -> dict[str, Function]:
    """By id: those that are registered now, made if they are new, and those that are live and the app's own."""
    slugs = [definition.id for definition in registration.definitions]
    return lock_or_make(app.environment, slugs, app, also=Q(app=app, live_version__isnull=False))


def _refuse_taken(app: App, functions: dict[str, Function], registration: Registration) -> None:
    """A function that nobody serves any more may be had by another app."""
    faults, had = FaultLog(), []
    for index, definition in enumerate(registration.definitions):
        function = functions[definition.id]
        if function.app_id == app.pk:
            continue
        if function.live_version_id is None:
            function.app = app
            had.append(function)
            continue
        owner = "a declared function" if function.app is None else f"a function of the app {function.app.slug!r}"
        faults.add(at(at(at(ROOT, "functions"), index), "id"), f"{definition.id!r} is {owner} already")
    if faults.count:
        raise InvalidDefinition(faults.faults)
    Function.objects.bulk_update(had, ["app"], batch_size=500)


def _write(app: App, registration: Registration, digest: str, modified: bool) -> None:
    app.url, app.sdk, app.framework = registration.url, registration.sdk, registration.framework
    app.app_version, app.digest, app.error, app.archived_at = registration.app_version, digest, "", None
    if modified:
        app.sync_id = uuid.uuid4()
    app.synced_at = Now()
    app.save()
    app.refresh_from_db(fields=["synced_at"])


def _digest(registration: Registration) -> str:
    return hashlib.sha256(msgspec.json.encode(registration)).hexdigest()


def _warn(asking: dict[str, str]) -> None:
    for slug, features in asking.items():
        log.warning("function %s asks for what this server does not enforce yet: %s", slug, features)
