"""From a document, as it was read from JSON or YAML, to a function's definition."""

from collections.abc import Mapping

from apps.datastore.definition import later
from apps.datastore.definition.faults import FaultLog, InvalidDefinition, at
from apps.datastore.definition.single_step import single_step
from apps.datastore.definition.steps import parse_steps
from apps.datastore.definition.triggers import parse_triggers
from apps.datastore.definition.types import FunctionDefinition
from apps.datastore.definition.values import check_name, check_object, check_slug

ROOT = "$"
REQUIRED = ("id", "name", "triggers")


def parse(document: object, files: Mapping[str, str]) -> FunctionDefinition:
    """Check the whole document against the format and the function's files (path in its folder → text).

    Raises InvalidDefinition with every fault, and nothing else, whatever the document is.
    """
    log = FaultLog()
    found = check_object(document, ROOT, log, (*REQUIRED, "steps", *later.FUNCTION))
    if found is None:
        raise InvalidDefinition(log.faults)
    for field in REQUIRED:
        if field not in found:
            log.add(at(ROOT, field), "is missing")
    function_id = check_slug(found["id"], at(ROOT, "id"), log) if "id" in found else None
    name = check_name(found["name"], at(ROOT, "name"), log) if "name" in found else None
    triggers = parse_triggers(found["triggers"], at(ROOT, "triggers"), log) if "triggers" in found else ()
    later.refuse_later(found, ROOT, log, later.FUNCTION)
    # An empty object is what tools of 2022 wrote for a function without steps of its own.
    if found.get("steps", {}) == {}:
        steps = single_step(name or "", ROOT, log, files)
    else:
        steps = parse_steps(found["steps"], at(ROOT, "steps"), log, files)
    if log.faults or function_id is None or name is None:
        raise InvalidDefinition(log.faults)
    return FunctionDefinition(function_id, name, triggers, steps)
