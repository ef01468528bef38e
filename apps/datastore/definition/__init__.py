"""Declared functions: reading a folder, checking `inngest.json`, and the form that the server runs.

Pure Python: neither Django nor the database is imported here.
"""

from apps.datastore.definition.checking import Checked, OutOfTime, check_document, check_files, placed
from apps.datastore.definition.documents import read_document
from apps.datastore.definition.durations import InvalidDuration, parse_duration
from apps.datastore.definition.faults import Fault, InvalidDefinition
from apps.datastore.definition.folder import FolderLimits, find_functions, is_ignored, read_files
from apps.datastore.definition.parsing import parse
from apps.datastore.definition.types import (
    TRIGGER,
    Async,
    CancelOn,
    CronTrigger,
    Edge,
    EventTrigger,
    FunctionDefinition,
    Runtime,
    Step,
    Throttle,
    event_schemas,
    first_steps,
    from_json,
    leaf_steps,
    steps_after,
    to_json,
)

__all__ = [
    "TRIGGER",
    "Async",
    "CancelOn",
    "Checked",
    "CronTrigger",
    "Edge",
    "EventTrigger",
    "Fault",
    "FolderLimits",
    "FunctionDefinition",
    "InvalidDefinition",
    "InvalidDuration",
    "OutOfTime",
    "Runtime",
    "Step",
    "Throttle",
    "check_document",
    "check_files",
    "event_schemas",
    "find_functions",
    "first_steps",
    "from_json",
    "is_ignored",
    "leaf_steps",
    "parse",
    "parse_duration",
    "placed",
    "read_document",
    "read_files",
    "steps_after",
    "to_json",
]
