"""The events of the functions below a folder, and what is known of each."""

import os
from collections.abc import Iterator
from pathlib import Path

import msgspec

from apps.cli.event_types.documents import SCHEDULED
from apps.cli.printing import one_line
from apps.cli.problems import Problem
from apps.datastore.definition.documents import locate, read_document
from apps.datastore.definition.expressions import Expressions
from apps.datastore.definition.faults import Fault, FaultLog, InvalidDefinition
from apps.datastore.definition.folder import DEFINITIONS, find_functions, read_files
from apps.datastore.definition.schemas import Schemas
from apps.datastore.definition.triggers import Triggers, parse_triggers
from apps.datastore.definition.types import EventTrigger


def events_below(root: Path) -> dict[str, object]:
    """By name and sorted: the event's schema in JSON values, None where no trigger has one.

    Only triggers and schemas are looked at: the code that needs the types may well be wrong without them. Raises
    InvalidDefinition with what is wrong with them, each with the function's folder seen from `root`; Problem if two
    functions have different schemas for an event.
    """
    faults: list[Fault] = []
    found: dict[str, object] = {}
    places: dict[str, str] = {}
    for folder in find_functions(root):
        name = folder.relative_to(root).as_posix()
        try:
            triggers = _triggers(folder)
        except InvalidDefinition as invalid:
            faults += [msgspec.structs.replace(fault, function=name) for fault in invalid.faults]
            continue
        for event, schema in _schemas(triggers):
            if schema is not None and found.get(event) not in (None, schema):
                raise Problem(
                    f"{one_line(event)} has two different schemas: in {places[event]} and in {os.path.relpath(folder)}",
                    "an event is one thing, whichever function takes it",
                )
            if schema is not None or event not in found:
                found[event], places[event] = schema, os.path.relpath(folder)
    if faults:
        raise InvalidDefinition(faults)
    return dict(sorted(found.items()))


def _triggers(folder: Path) -> Triggers:
    files = read_files(folder)
    filename = next(name for name in DEFINITIONS if name in files)
    try:
        text = files[filename].decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InvalidDefinition([Fault("", "is not text (UTF-8)", filename)]) from None
    document = read_document(text, filename)
    log = FaultLog()
    given = document.get("triggers") if isinstance(document, dict) else None
    found = parse_triggers(given, "$.triggers", log, Expressions(), Schemas(files))
    if log.faults:
        raise InvalidDefinition(locate(log.faults, text, filename))
    return found


def _schemas(triggers: Triggers) -> Iterator[tuple[str, object]]:
    for trigger in triggers.events:
        yield trigger.event, _schema(trigger)
    if triggers.crons:
        yield SCHEDULED, None


def _schema(trigger: EventTrigger) -> object:
    return None if trigger.schema is None else msgspec.json.decode(trigger.schema)
