"""Declared functions: reading a folder, checking `inngest.json`, and the form that the server runs.

Pure Python: neither Django nor the database is imported here.
"""

from apps.datastore.definition.documents import read_document
from apps.datastore.definition.durations import InvalidDuration, parse_duration
from apps.datastore.definition.faults import Fault, InvalidDefinition
from apps.datastore.definition.folder import FolderContent, find_functions, read_folder
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
    "CronTrigger",
    "Edge",
    "EventTrigger",
    "Fault",
    "FolderContent",
    "FunctionDefinition",
    "InvalidDefinition",
    "InvalidDuration",
    "Runtime",
    "Step",
    "Throttle",
    "find_functions",
    "first_steps",
    "from_json",
    "leaf_steps",
    "parse",
    "parse_duration",
    "read_document",
    "read_folder",
    "steps_after",
    "to_json",
]
