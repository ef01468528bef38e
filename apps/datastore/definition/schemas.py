"""A trigger's `definition`: the JSON schema of its event. It documents and types the event; no event is held to it."""

import json
from collections.abc import Mapping

from apps.datastore.definition.faults import FaultLog, InvalidDefinition, at
from apps.datastore.definition.json_document import read_json
from apps.datastore.definition.json_schema import SchemaFault, schema_faults
from apps.datastore.definition.places import MAX_LENGTH, StepFolder, file_in
from apps.datastore.definition.positions import lines_in_json
from apps.datastore.definition.values import check_choice, check_flag, check_object, check_text, kind, optional

MAX_BYTES = 64 * 1024
MAX_ALL_BYTES = 512 * 1024
"""Of a function's schemas together: a version keeps them, and a worker that runs it has them in memory."""
FORMATS = ("json-schema", "cue")
PREFIX = "file://./"
SCHEMA = "a schema (an object), or a file written as file://./events/x.json"
CUE = (
    "cue isn't read directly; make the JSON schema with: cue def events/event.cue -e '#Event' --out jsonschema "
    '> events/event.json, and set "format" to "json-schema"'
)


class Schemas:
    """Those of one document: a file is read and checked once, however many triggers name it."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self._files = files
        self._read: dict[str, str | None] = {}
        self._bytes = 0

    def parse(self, value: object, path: str, log: FaultLog) -> str | None:
        """The schema as JSON text; None if it is not right."""
        found = check_object(value, path, log, ("format", "synced", "def"))
        if found is None:
            return None
        before = log.count
        written = optional(found, "format", path, log, _check_format) if "format" in found else FORMATS[0]
        # Which side wrote the schema down first; the 2022 system asked. It means nothing here.
        optional(found, "synced", path, log, check_flag)
        if "def" not in found:
            log.add(at(path, "def"), "is missing")
        if written == "cue" and log.count == before:
            log.add(path, CUE)
        if log.count > before or "def" not in found:
            return None
        return self._counted(self._schema(found["def"], at(path, "def"), log), at(path, "def"), log)

    def _schema(self, value: object, path: str, log: FaultLog) -> str | None:
        if isinstance(value, dict):
            return _checked(value, path, log)
        if not isinstance(value, str):
            log.add(path, f"must be {SCHEMA}, not {kind(value)}")
            return None
        text = check_text(value, path, log, MAX_LENGTH, one_line=True)
        if text is None:
            return None
        if not text.startswith(PREFIX):
            log.add(path, f"must be {SCHEMA}")
            return None
        place = file_in(StepFolder("", self._files), text.removeprefix(PREFIX), path, log)
        if place is None:
            return None
        if place not in self._read:
            self._read[place] = _from_file(self._files[place], place, log)
        return self._read[place]

    def _counted(self, schema: str | None, path: str, log: FaultLog) -> str | None:
        self._bytes += len(schema or "")
        if self._bytes <= MAX_ALL_BYTES:
            return schema
        log.add(path, f"makes the function's schemas larger than {MAX_ALL_BYTES // 1024} KiB")
        return None


def _check_format(value: object, path: str, log: FaultLog) -> str | None:
    return check_choice(value, path, log, FORMATS)


def _from_file(content: bytes, file: str, log: FaultLog) -> str | None:
    """Its faults are at its own lines and its own JSON paths."""
    if len(content) > MAX_BYTES:
        log.add("", f"is larger than {MAX_BYTES // 1024} KiB, which is the most that a schema may be", file)
        return None
    try:
        text = content.decode("utf-8-sig")
        schema = read_json(text, file)
    except UnicodeDecodeError:
        log.add("", "is not text (UTF-8)", file)
        return None
    except InvalidDefinition as invalid:
        for fault in invalid.faults:
            log.add(fault.path, fault.message, file, fault.line)
        return None
    if not isinstance(schema, dict):
        log.add("", f"must be a JSON schema, an object, not {kind(schema)}", file)
        return None
    inner = FaultLog()
    found = _checked(schema, "$", inner)
    lines = lines_in_json(text, {fault.path for fault in inner.faults})
    for fault in inner.faults:
        log.add(fault.path, fault.message, file, lines.get(fault.path))
    return found


def _checked(schema: dict[str, object], path: str, log: FaultLog) -> str | None:
    """The schema's text, if it is right. `path` is its place in the document that it stands in."""
    try:
        text = json.dumps(schema, separators=(",", ":"), allow_nan=False, ensure_ascii=False)
        size = len(text.encode())
    except UnicodeEncodeError:
        log.add(path, "has text with broken Unicode")
        return None
    except (ValueError, RecursionError, TypeError):
        log.add(path, "has numbers that JSON cannot hold, or is nested too deeply")
        return None
    if size > MAX_BYTES:
        log.add(path, f"is larger than {MAX_BYTES // 1024} KiB, which is the most that a schema may be")
        return None
    faults = list(schema_faults(schema))
    for fault in faults:
        log.add(_place(path, fault), fault.message)
    return None if faults else text


def _place(path: str, fault: SchemaFault) -> str:
    for key in fault.keys:
        path = at(path, key)
    return path
