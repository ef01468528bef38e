"""Deploys: new immutable versions and the move of the live pointers, in one transaction (rule 12)."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec
from django.db import transaction
from django.db.models import Max

from apps.datastore.cron_triggers import remove_crons, replace_crons
from apps.datastore.definition import Fault, InvalidDefinition
from apps.datastore.definition.types import FunctionDefinition, to_json
from apps.datastore.models import CronTrigger, Environment, EventTrigger, Function, FunctionVersion

_ROWS = 500
"""Rows in one statement."""


class Deployed(NamedTuple):
    """The version that is live now, and whether this deploy made it."""

    version: FunctionVersion
    changed: bool


class Content(NamedTuple):
    """What a version is made of."""

    definition: FunctionDefinition
    files: Mapping[str, str] = {}
    folder: str = ""


@transaction.atomic
def deploy(
    environment: Environment, definition: FunctionDefinition, files: Mapping[str, str], folder: str = ""
) -> Deployed:
    """Make this definition, with the function's own files, live. What is live already stays as it is.

    Called by the DevServer; `folder` is where it read the files. Raises InvalidDefinition if an app has registered a
    function of this id, which it still serves.
    """
    function, _ = Function.objects.get_or_create(environment=environment, slug=definition.id)
    # Deploys of one function go one after the other, and no run starts from a half-moved pointer.
    # What is live is read after the lock, in a statement of its own: a join would show what was live before the wait.
    function = Function.objects.select_for_update().get(pk=function.pk)
    if function.app_id is not None:
        if function.live_version_id is not None:
            raise InvalidDefinition([Fault("$.id", f"an app has registered a function {definition.id!r}")])
        function.app = None
        function.save(update_fields=["app"])
    return deploy_locked([(function, Content(definition, files, folder))])[0]


def deploy_locked(wanted: Sequence[tuple[Function, Content]]) -> list[Deployed]:
    """Make each function's content live, in as few statements for a thousand as for one (but for crons).

    Called by `deploy` and by registering, in a transaction that has locked the functions and read them after that.
    """
    live = FunctionVersion.objects.in_bulk([function.live_version_id for function, _ in wanted])
    texts = [_texts(content) for _, content in wanted]
    changed = [
        (function, content, text)
        for (function, content), text in zip(wanted, texts, strict=True)
        if function.live_version_id is None or live[function.live_version_id].digest != text.digest
    ]
    versions = _make_versions(changed)
    _go_live([(versions[function.pk], content.definition) for function, content, _ in changed])
    return [
        Deployed(versions[function.pk], changed=True)
        if function.pk in versions
        else Deployed(live[function.live_version_id], changed=False)
        for function, _ in wanted
    ]


@transaction.atomic
def take_down(environment: Environment, slug: str) -> bool:
    """Let no event and no cron start the function any more; its runs go on. False if it was not live."""
    function = Function.objects.select_for_update().filter(environment=environment, slug=slug).first()
    if function is None or function.live_version_id is None:
        return False
    take_down_locked([function])
    return True


def take_down_locked(functions: Sequence[Function]) -> None:
    """The same for several that are live, in a transaction that has locked them."""
    EventTrigger.objects.filter(function__in=functions).delete()
    for function in _with_crons(functions):
        remove_crons(function)
    for function in functions:
        function.live_version = None
    Function.objects.bulk_update(functions, ["live_version"], batch_size=_ROWS)


class _Texts(NamedTuple):
    definition: str
    files: str
    digest: str


def _texts(content: Content) -> _Texts:
    definition = to_json(content.definition)
    files = msgspec.json.encode(dict(sorted(content.files.items()))).decode()
    digest = hashlib.sha256(f"{definition}\0{files}\0{content.folder}".encode()).hexdigest()
    return _Texts(definition, files, digest)


def _make_versions(changed: Sequence[tuple[Function, Content, _Texts]]) -> dict[int, FunctionVersion]:
    """By function."""
    last = dict(
        FunctionVersion.objects.filter(function__in=[function for function, _, _ in changed])
        .values_list("function_id")
        .annotate(Max("number"))
    )
    versions = FunctionVersion.objects.bulk_create(
        (
            FunctionVersion(
                function=function,
                number=last.get(function.pk, 0) + 1,
                definition=texts.definition,
                files=texts.files,
                folder=content.folder,
                digest=texts.digest,
            )
            for function, content, texts in changed
        ),
        batch_size=_ROWS,
    )
    return {version.function_id: version for version in versions}


def _go_live(versions: Sequence[tuple[FunctionVersion, FunctionDefinition]]) -> None:
    functions = [version.function for version, _ in versions]
    for version, _ in versions:
        version.function.live_version = version
    Function.objects.bulk_update(functions, ["live_version"], batch_size=_ROWS)
    EventTrigger.objects.filter(function__in=functions).delete()
    EventTrigger.objects.bulk_create(
        (
            EventTrigger(
                environment_id=version.function.environment_id,
                event_name=event,
                function_id=version.function_id,
                version=version,
            )
            for version, definition in versions
            for event in dict.fromkeys(trigger.event for trigger in definition.triggers)
        ),
        batch_size=_ROWS,
    )
    had_crons = {function.pk for function in _with_crons(functions)}
    for version, definition in versions:
        if definition.crons or version.function_id in had_crons:
            replace_crons(version.function, version, definition.crons)


def _with_crons(functions: Sequence[Function]) -> list[Function]:
    """Those that have cron triggers."""
    having = set(CronTrigger.objects.filter(function__in=functions).values_list("function_id", flat=True))
    return [function for function in functions if function.pk in having]
