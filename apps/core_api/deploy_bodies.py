"""The body of a deploy: an archive, or JSON with definitions and files, as the functions that it holds, checked."""

import time
from collections.abc import Callable, Mapping
from functools import partial
from http import HTTPStatus
from typing import NamedTuple

import msgspec
from django.conf import settings
from rest_framework.exceptions import APIException

from apps.core_api.archive_contents import ArchiveLimits
from apps.core_api.archives import READERS, functions_in
from apps.core_api.deploy_json import JsonFunction, read_functions, refuse_too_many
from apps.datastore.definition.checking import Checked, OutOfTime, check_document, check_files
from apps.datastore.definition.faults import Fault, InvalidDefinition, at, shown
from apps.datastore.definition.folder import FolderLimits
from apps.datastore.deploying import Content

JSON = "application/json"
CONTENT_TYPES = (*READERS, JSON)
MAX_FAULTS = 1_000


class CheckTooLong(APIException):
    """No fault of the functions, as far as they were checked."""

    status_code = HTTPStatus.SERVICE_UNAVAILABLE


class _Given(NamedTuple):
    """A function of a deploy, not checked yet."""

    name: str
    check: Callable[[float], Checked]
    """Takes the deadline, by the monotonic clock. Raises InvalidDefinition, OutOfTime."""
    place: Callable[[Fault], Fault]
    """A fault of the function with its place in the deploy: `file` is seen from the archive, `path` from the body."""


def read_contents(content_type: str, body: bytes) -> list[Content]:
    """What is to be deployed. Raises InvalidDefinition with every fault of all the functions, CheckTooLong.

    `content_type` is one of CONTENT_TYPES.
    """
    deadline = time.monotonic() + settings.DEPLOY_CHECK_SECONDS
    given = _from_json(body) if content_type == JSON else _from_archive(content_type, body)
    contents: list[Content] = []
    faults: list[Fault] = []
    for number, function in enumerate(given):
        try:
            checked = function.check(deadline)
            contents.append(Content(checked.definition, checked.files))
        except InvalidDefinition as invalid:
            faults += map(function.place, invalid.faults)
        except OutOfTime:
            raise _too_long(function.name, number, len(given)) from None
    if len(faults) > MAX_FAULTS:
        faults[MAX_FAULTS:] = [Fault("", f"and {len(faults) - MAX_FAULTS} more faults")]
    if faults:
        raise InvalidDefinition(faults)
    return contents


def _too_long(name: str, checked: int, functions: int) -> CheckTooLong:
    return CheckTooLong(
        f"The check of the deploy took longer than {settings.DEPLOY_CHECK_SECONDS:g} seconds (DEPLOY_CHECK_SECONDS) "
        f"and stopped at {name}, after {checked} of {functions} functions; nothing was deployed"
    )


def _from_archive(content_type: str, body: bytes) -> list[_Given]:
    limits = ArchiveLimits(settings.DEPLOY_MAX_UNPACKED_BYTES, settings.DEPLOY_MAX_FILES)
    found = functions_in(READERS[content_type](body, limits))
    if not found:
        problem = "there is no function in the archive: none of its folders has an inngest.json or inngest.yaml"
        raise InvalidDefinition([Fault("", problem)])
    refuse_too_many(len(found))
    return [
        _Given(shown(folder or "."), partial(check_files, files, _folder_limits()), partial(_in_folder, folder))
        for folder, files in found
    ]


def _in_folder(folder: str, fault: Fault) -> Fault:
    file = f"{folder}/{fault.file}" if folder and fault.file else fault.file
    return msgspec.structs.replace(fault, function=folder, file=file)


def _from_json(body: bytes) -> list[_Given]:
    return [
        _Given(f"$.functions[{index}]", partial(_check_json, function), partial(_in_document, index, function))
        for index, function in enumerate(read_functions(body))
    ]


def _check_json(function: JsonFunction, deadline: float) -> Checked:
    return check_document(function.definition, function.files, _folder_limits(), deadline)


def _in_document(index: int, function: JsonFunction, fault: Fault) -> Fault:
    place = f"$.functions[{index}]"
    path = at(f"{place}.files", fault.file) if fault.file else f"{place}.definition{fault.path.removeprefix('$')}"
    return msgspec.structs.replace(fault, path=path, function=_id_of(function.definition))


def _id_of(definition: object) -> str:
    said = definition.get("id") if isinstance(definition, Mapping) else None
    return said if isinstance(said, str) and said.isprintable() and len(said) <= 255 else ""


def _folder_limits() -> FolderLimits:
    return FolderLimits(settings.FUNCTION_MAX_FILES, settings.FUNCTION_MAX_BYTES)
