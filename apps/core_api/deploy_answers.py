"""The shapes of what deploys, rollbacks and their like answer, and of why they are refused."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from http import HTTPStatus
from typing import Any, Literal

import msgspec
from rest_framework.exceptions import NotFound
from rest_framework.response import Response

from apps.core_api.answers import Answer, Page
from apps.core_api.errors import DetailedError, Error
from apps.datastore.changes import Change, Deployed, Kind
from apps.datastore.definition.faults import Fault, InvalidDefinition
from apps.datastore.deploys import DeployConflict, Moved
from apps.datastore.models import Deploy
from apps.datastore.rolling_back import CannotMove, NoSuchDeploy, NoSuchFunction, NoSuchVersion

DeployKind = Literal["deploy", "live", "rollback", "archive", "register", "load"]


class DeployEntry(msgspec.Struct, kw_only=True, frozen=True):
    number: int
    """1, 2, … in the environment, in the order in which they took effect."""
    kind: DeployKind
    actor: str
    """The token that was shown, and how it is known."""
    note: str
    created_at: datetime


class ReleaseEntry(msgspec.Struct, kw_only=True):
    """A function that a deploy moved to another version."""

    function_id: str
    version: int | None
    """What is live since then; None: it was archived."""
    was: int | None
    """What was live before; None if nothing was."""


class DeployWithReleases(DeployEntry, kw_only=True, frozen=True):
    releases: list[ReleaseEntry]
    """By the functions' ids."""


class ChangedFiles(msgspec.Struct, kw_only=True):
    """Paths, against the version that was live."""

    added: list[str]
    changed: list[str]
    removed: list[str]


class FunctionChange(msgspec.Struct, kw_only=True):
    function_id: str
    name: str
    change: Kind
    """`restored`: a version that was there goes live again, as the content is its."""
    version: int | None
    """None of an archived function. In a dry run the number that it would get."""
    was: int | None
    """What was live before; None if nothing was."""
    live: bool
    files: ChangedFiles
    definition_changed: bool


class DeployOutcome(msgspec.Struct, kw_only=True):
    deploy: DeployEntry | None
    """None if nothing changed, or in a dry run."""
    base: int
    """The number of the environment's last deploy, this one included: a parameter of the next."""
    dry_run: bool
    functions: list[FunctionChange]


class DeployOutcomeAnswer(Answer):
    data: DeployOutcome


class DeployAnswer(Answer):
    data: DeployWithReleases


class DeploysAnswer(Answer):
    data: list[DeployEntry]
    page: Page


class FaultEntry(msgspec.Struct, kw_only=True, frozen=True):
    """What is wrong with what was deployed, and where."""

    function: str
    """Its folder in the archive, or its id; "" where it is not one function's."""
    file: str
    """In the archive; in JSON the function's own."""
    line: int | None
    path: str
    """A JSON path in the definition, or in the body if that is JSON."""
    message: str


class InvalidDeploy(Error, frozen=True):
    faults: list[FaultEntry] = []
    """None where a parameter is wrong."""


class ChangedFunction(msgspec.Struct, kw_only=True, frozen=True):
    """A function that someone else has moved since `base`."""

    function_id: str
    was: int | None
    now: int | None
    deploy: DeployEntry


class RefusedDeploy(Error, frozen=True):
    changed: list[ChangedFunction]
    """Empty where nobody has changed anything, but it cannot be done."""


def deploy_entry(deploy: Deploy) -> DeployEntry:
    return DeployEntry(**_fields(deploy))


def deploy_with(deploy: Deploy, releases: list[ReleaseEntry]) -> DeployWithReleases:
    return DeployWithReleases(releases=releases, **_fields(deploy))


def outcome(deployed: Deployed, *, dry_run: bool = False) -> Response:
    """201 if there is a new deploy, 200 if nothing changed."""
    data = DeployOutcome(
        deploy=deploy_entry(deployed.deploy) if deployed.deploy else None,
        base=deployed.base,
        dry_run=dry_run,
        functions=[_function_change(change) for change in deployed.changes],
    )
    status = HTTPStatus.CREATED if deployed.deploy else HTTPStatus.OK
    return Response(DeployOutcomeAnswer(data=data), status=status)


@contextmanager
def deploy_refusals() -> Iterator[None]:
    """What cannot be deployed or moved is a 400, 404 or 409 that says why."""
    try:
        yield
    except InvalidDefinition as invalid:
        raise DetailedError(_invalid(invalid.faults)) from None
    except DeployConflict as conflict:
        moved = [_changed_function(one) for one in conflict.moved]
        raise DetailedError(RefusedDeploy(str(conflict), HTTPStatus.CONFLICT, moved)) from None
    except (NoSuchFunction, NoSuchVersion, NoSuchDeploy) as missing:
        raise NotFound(str(missing)) from None
    except CannotMove as reason:
        raise DetailedError(RefusedDeploy(str(reason), HTTPStatus.CONFLICT, [])) from None


def _fields(deploy: Deploy) -> dict[str, Any]:
    return {name: getattr(deploy, name) for name in DeployEntry.__struct_fields__}


def _function_change(change: Change) -> FunctionChange:
    return FunctionChange(
        function_id=change.function_id,
        name=change.definition.name,
        change=change.kind,
        version=change.version,
        was=change.was,
        live=change.is_live,
        files=ChangedFiles(**change.files._asdict()),
        definition_changed=change.definition_changed,
    )


def _changed_function(moved: Moved) -> ChangedFunction:
    return ChangedFunction(
        function_id=moved.function_id, was=moved.was, now=moved.now, deploy=deploy_entry(moved.deploy)
    )


def _invalid(faults: Sequence[Fault]) -> InvalidDeploy:
    others = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
    # Its file is told as the deploy has it, which says whose it is.
    first = msgspec.structs.replace(faults[0], function="") if faults[0].file else faults[0]
    text = f"Nothing was deployed: {_text(str(first))}{others}"
    return InvalidDeploy(text, HTTPStatus.BAD_REQUEST, [_fault_entry(fault) for fault in faults])


def _fault_entry(fault: Fault) -> FaultEntry:
    return FaultEntry(
        function=_text(fault.function),
        file=_text(fault.file),
        line=fault.line,
        path=_text(fault.path),
        message=_text(fault.message),
    )


def _text(text: str) -> str:
    """What was deployed may have half of a surrogate pair where a message quotes it; an answer cannot."""
    return text.encode(errors="replace").decode()
