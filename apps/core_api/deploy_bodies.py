"""The body of a deploy: an archive, or JSON with definitions and files, as the functions that it holds, checked."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import NamedTuple

import msgspec
from django.conf import settings

from apps.core_api.archive_contents import ArchiveLimits
from apps.core_api.archives import READERS, functions_in
from apps.core_api.deploy_json import JsonFunction, read_functions, refuse_too_many
from apps.datastore.definition.checking import Checked, check_document, check_files
from apps.datastore.definition.faults import Fault, InvalidDefinition, at
from apps.datastore.definition.folder import FolderLimits
from apps.datastore.deploying import Content

JSON = "application/json"
CONTENT_TYPES = (*READERS, JSON)
MAX_FAULTS = 1_000


class _Given(NamedTuple):
    """A function of a deploy, not checked yet."""

    check: Callable[[], Checked]
    place: Callable[[Fault], Fault]
    """Where a fault of the function is in the deploy."""


def read_contents(content_type: str, body: bytes) -> list[Content]:
    """What is to be deployed. Raises InvalidDefinition with every fault of all the functions.

    `content_type` is one of CONTENT_TYPES.
    """
    given = _from_json(body) if content_type == JSON else _from_archive(content_type, body)
    contents: list[Content] = []
    faults: list[Fault] = []
    for function in given:
        try:
            checked = function.check()
            contents.append(Content(checked.definition, checked.files))
        except InvalidDefinition as invalid:
            faults += map(function.place, invalid.faults)
    if len(faults) > MAX_FAULTS:
        faults[MAX_FAULTS:] = [Fault("", f"and {len(faults) - MAX_FAULTS} more faults")]
    if faults:
        raise InvalidDefinition(faults)
    return contents


def _from_archive(content_type: str, body: bytes) -> list[_Given]:
    limits = ArchiveLimits(settings.DEPLOY_MAX_UNPACKED_BYTES, settings.DEPLOY_MAX_FILES)
    found = functions_in(READERS[content_type](body, limits))
    if not found:
        problem = "there is no function in the archive: none of its folders has an inngest.json or inngest.yaml"
        raise InvalidDefinition([Fault("", problem)])
    refuse_too_many(len(found))
    return [
        _Given(partial(check_files, files, _folder_limits()), partial(_in_folder, folder)) for folder, files in found
    ]


def _in_folder(folder: str, fault: Fault) -> Fault:
    return msgspec.structs.replace(fault, function=folder)


def _from_json(body: bytes) -> list[_Given]:
    return [
        _Given(partial(_check_json, function), partial(_in_document, index, function))
        for index, function in enumerate(read_functions(body))
    ]


def _check_json(function: JsonFunction) -> Checked:
    return check_document(function.definition, function.files, _folder_limits())


def _in_document(index: int, function: JsonFunction, fault: Fault) -> Fault:
    place = f"$.functions[{index}]"
    path = at(f"{place}.files", fault.file) if fault.file else f"{place}.definition{fault.path.removeprefix('$')}"
    return msgspec.structs.replace(fault, path=path, function=_id_of(function.definition))


def _id_of(definition: object) -> str:
    said = definition.get("id") if isinstance(definition, Mapping) else None
    return said if isinstance(said, str) and said.isprintable() and len(said) <= 255 else ""


def _folder_limits() -> FolderLimits:
    return FolderLimits(settings.FUNCTION_MAX_FILES, settings.FUNCTION_MAX_BYTES)
