"""Deploys: a new immutable version and the move of the live pointer, in one transaction (rule 12)."""

import hashlib
from collections.abc import Mapping
from typing import NamedTuple

import msgspec
from django.db import transaction

from apps.datastore.cron_triggers import remove_crons, replace_crons
from apps.datastore.definition.types import FunctionDefinition, to_json
from apps.datastore.models import Environment, EventTrigger, Function, FunctionVersion


class Deployed(NamedTuple):
    """The version that is live now, and whether this deploy made it."""

    version: FunctionVersion
    changed: bool


@transaction.atomic
def deploy(
    environment: Environment, definition: FunctionDefinition, files: Mapping[str, str], folder: str = ""
) -> Deployed:
    """Make this definition, with the function's own files, live. What is live already stays as it is.

    Called by the DevServer; `folder` is where it read the files.
    """
    function, _ = Function.objects.get_or_create(environment=environment, slug=definition.id)
    # Deploys of one function go one after the other, and no run starts from a half-moved pointer.
    # What is live is read after the lock, in a statement of its own: a join would show what was live before the wait.
    function = Function.objects.select_for_update().get(pk=function.pk)
    definition_text, files_text = to_json(definition), msgspec.json.encode(dict(sorted(files.items()))).decode()
    digest = hashlib.sha256(f"{definition_text}\0{files_text}\0{folder}".encode()).hexdigest()
    live = function.live_version
    if live is not None and live.digest == digest:
        return Deployed(live, changed=False)
    last = function.versions.order_by("-number").first()
    version = FunctionVersion.objects.create(
        function=function,
        number=last.number + 1 if last else 1,
        definition=definition_text,
        files=files_text,
        folder=folder,
        digest=digest,
    )
    _go_live(function, version, definition)
    return Deployed(version, changed=True)


@transaction.atomic
def take_down(environment: Environment, slug: str) -> bool:
    """Let no event and no cron start the function any more; its runs go on. False if it was not live."""
    function = Function.objects.select_for_update().filter(environment=environment, slug=slug).first()
    if function is None or function.live_version_id is None:
        return False
    EventTrigger.objects.filter(function=function).delete()
    remove_crons(function)
    function.live_version = None
    function.save(update_fields=["live_version"])
    return True


def _go_live(function: Function, version: FunctionVersion, definition: FunctionDefinition) -> None:
    function.live_version = version
    function.save(update_fields=["live_version"])
    EventTrigger.objects.filter(function=function).delete()
    EventTrigger.objects.bulk_create(
        EventTrigger(environment_id=function.environment_id, event_name=event, function=function, version=version)
        for event in dict.fromkeys(trigger.event for trigger in definition.triggers)
    )
    replace_crons(function, version, definition.crons)
