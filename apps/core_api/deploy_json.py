"""A deploy as JSON: `{"functions": [{"definition": {…}, "files": {"index.ts": "…", "a.wasm": {"base64": "…"}}}]}`."""

import binascii
from collections.abc import Mapping
from typing import NamedTuple

from django.conf import settings

from apps.core_api.archive_contents import ArchiveLimits, CannotRead, Contents, path_problem
from apps.datastore.definition.faults import Fault, FaultLog, InvalidDefinition, at
from apps.datastore.definition.json_document import read_json
from apps.event_stream.json_depth import is_deeper, without_strings

MAX_VALUES = 200_000
"""Arrays, objects and their members in a body: each costs a hundred times its text in memory."""
MAX_DEPTH = 200


class JsonFunction(NamedTuple):
    """A function of a deploy, not checked yet."""

    definition: object
    files: Mapping[str, bytes]


def read_functions(body: bytes) -> list[JsonFunction]:
    """Raises InvalidDefinition with every fault of the body's own shape, which the definitions are no part of."""
    document = read_json(_text(body), "")
    log = FaultLog()
    functions = document.get("functions") if isinstance(document, dict) else None
    if not isinstance(document, dict) or not isinstance(functions, list):
        raise _invalid('the body must be an object: {"functions": [{"definition": {…}, "files": {…}}]}')
    _refuse_others(document, {"functions"}, "$", log)
    if not functions:
        log.add("$.functions", "is empty: there is nothing to deploy")
    refuse_too_many(len(functions))
    read = [_function(function, f"$.functions[{index}]", log) for index, function in enumerate(functions)]
    if log.faults:
        raise InvalidDefinition(log.faults)
    return read


def refuse_too_many(functions: int) -> None:
    """Raises InvalidDefinition."""
    if functions > settings.DEPLOY_MAX_FUNCTIONS:
        problem = f"there are {functions} functions; the limit is {settings.DEPLOY_MAX_FUNCTIONS}"
        raise _invalid(problem)


def _text(body: bytes) -> str:
    structure = without_strings(body)
    if sum(structure.count(sign) for sign in (b",", b"[", b"{")) > MAX_VALUES:
        raise _invalid(f"the body has more than {MAX_VALUES} values; deploy an archive instead")
    if is_deeper(structure, MAX_DEPTH):
        raise _invalid(f"the body is nested more than {MAX_DEPTH} levels deep")
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        raise _invalid(f"the body is not UTF-8 at byte {error.start}") from None


def _function(given: object, path: str, log: FaultLog) -> JsonFunction:
    if not isinstance(given, dict):
        log.add(path, "must be an object with `definition` and `files`")
        return JsonFunction(None, {})
    _refuse_others(given, {"definition", "files"}, path, log)
    if "definition" not in given:
        log.add(path, "has no `definition`")
    files = given.get("files", {})
    if not isinstance(files, dict):
        log.add(f"{path}.files", "must be an object: contents by path")
        files = {}
    return JsonFunction(given.get("definition"), _files(files, f"{path}.files", log))


def _files(given: Mapping[str, object], path: str, log: FaultLog) -> Mapping[str, bytes]:
    """The same rules hold for their paths as in an archive."""
    contents = Contents(ArchiveLimits(settings.DEPLOY_MAX_UNPACKED_BYTES, settings.DEPLOY_MAX_FILES), "files")
    cannot_read: CannotRead | None = None
    try:
        for name, value in given.items():
            problem = path_problem(name)
            if problem:
                log.add(at(path, name), problem)
                continue
            file, content = contents.next_entry(name.encode(), is_folder=False), _content(value, at(path, name), log)
            if file is not None and content is not None:
                contents.add_file(file, content)
    except CannotRead as reason:
        cannot_read = reason
    try:
        return contents.end(cannot_read)
    except InvalidDefinition as invalid:
        for fault in invalid.faults:
            log.add(at(path, fault.file) if fault.file else path, fault.message, fault.file)
        return {}


def _content(value: object, path: str, log: FaultLog) -> bytes | None:
    if isinstance(value, str):
        try:
            return value.encode()
        except UnicodeEncodeError:
            log.add(path, "has half of a surrogate pair in it, which is no text")
            return None
    coded = value.get("base64") if isinstance(value, dict) and len(value) == 1 else None
    if not isinstance(coded, str):
        log.add(path, 'must be text, or {"base64": "…"}')
        return None
    try:
        return binascii.a2b_base64(coded, strict_mode=True)
    except ValueError as error:
        log.add(path, f"is not base64: {error}")
        return None


def _refuse_others(given: Mapping[str, object], known: set[str], path: str, log: FaultLog) -> None:
    for name in given:
        if name not in known:
            log.add(at(path, name), "is not a field that is read here")


def _invalid(problem: str) -> InvalidDefinition:
    return InvalidDefinition([Fault("", problem)])
