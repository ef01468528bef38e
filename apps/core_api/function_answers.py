"""The shapes of functions and their versions as the REST API tells them."""

from datetime import datetime
from typing import Any

import msgspec

from apps.core_api.answers import Answer, Json, Page
from apps.core_api.rendering import raw
from apps.core_api.triggers import Trigger, triggers_of
from apps.datastore import manifest as manifests
from apps.datastore.definition.types import FunctionDefinition, from_json
from apps.datastore.models import Function, FunctionVersion


class FunctionEntry(msgspec.Struct, kw_only=True):
    id: str
    name: str
    app: str | None
    """The app that serves it; None of one that was deployed."""
    version: int | None
    """What is live; None if nothing is."""
    newest_version: int
    archived: bool
    """It was live, and nothing starts it any more."""
    triggers: list[Trigger]
    """Of what is live, else of the newest version; none, and no steps, if another release wrote it in its own way."""
    steps: list[str]
    """Their ids, in the order of the definition; none of an app's function, which is called to find out."""
    live_since: datetime | None


class FunctionWithDefinition(FunctionEntry, kw_only=True):
    definition: Json


class VersionDeploy(msgspec.Struct, kw_only=True):
    number: int
    actor: str
    note: str


class VersionEntry(msgspec.Struct, kw_only=True):
    version: int
    live: bool
    created_at: datetime
    digest: str
    """Of definition and files together: the same content is the same version."""
    files: int
    bytes: int
    """Of all the files."""
    deploy: VersionDeploy | None
    """What made it; None of one that is older than deploys."""


class VersionFile(msgspec.Struct, kw_only=True):
    path: str
    digest: str
    """SHA-256, in hexadecimal."""
    size: int


class VersionContent(msgspec.Struct, kw_only=True):
    """A version with what it is made of."""

    version: int
    live: bool
    created_at: datetime
    digest: str
    bytes: int
    deploy: VersionDeploy | None
    definition: Json
    files: list[VersionFile]
    """By path; the definition is not among them."""


class FunctionAnswer(Answer):
    data: FunctionWithDefinition


class FunctionsAnswer(Answer):
    data: list[FunctionEntry]
    page: Page


class VersionAnswer(Answer):
    data: VersionContent


class VersionsAnswer(Answer):
    data: list[VersionEntry]
    page: Page


def function_entry(function: Function) -> FunctionEntry:
    """Of one that `functions.described` gave."""
    return FunctionEntry(**_function_fields(function, _told(function)))


def function_with_definition(function: Function) -> FunctionWithDefinition:
    """Of one that `functions.described` gave."""
    text = _told(function)
    definition = raw(text)
    assert definition is not None
    return FunctionWithDefinition(definition=definition, **_function_fields(function, text))


def version_entry(version: FunctionVersion) -> VersionEntry:
    """Its function and its deploy have been read with it."""
    files = manifests.from_json(version.manifest)
    return VersionEntry(files=len(files), **_version_fields(version, files))


def version_content(version: FunctionVersion) -> VersionContent:
    """Its function and its deploy have been read with it."""
    files = manifests.from_json(version.manifest)
    definition = raw(version.definition)
    assert definition is not None
    return VersionContent(
        definition=definition,
        files=[VersionFile(path=path, digest=file.digest, size=file.size) for path, file in files.items()],
        **_version_fields(version, files),
    )


def _told(function: Function) -> str:
    return str(vars(function)["told"])


def _function_fields(function: Function, text: str) -> dict[str, Any]:
    live, also, definition = function.live_version, vars(function), _readable(text)
    return {
        "id": function.slug,
        "name": definition.name if definition else function.slug,
        "app": function.app.slug if function.app else None,
        "version": live.number if live else None,
        "newest_version": also["newest"],
        "archived": live is None and also["last_release"] is not None,
        "triggers": triggers_of(definition) if definition else [],
        "steps": list(definition.steps) if definition and not definition.sdk else [],
        "live_since": also["released_at"] if live else None,
    }


def _readable(text: str) -> FunctionDefinition | None:
    """None if another release wrote it and this one cannot read it: one such function must not hide the others."""
    try:
        return from_json(text)
    except msgspec.DecodeError:
        return None


def _version_fields(version: FunctionVersion, files: manifests.Manifest) -> dict[str, Any]:
    made = version.deploy
    return {
        "version": version.number,
        "live": version.function.live_version_id == version.pk,
        "created_at": version.created_at,
        "digest": version.digest,
        "bytes": sum(file.size for file in files.values()),
        "deploy": VersionDeploy(number=made.number, actor=made.actor, note=made.note) if made else None,
    }
