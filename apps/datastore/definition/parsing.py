"""From a document, as it was read from JSON or YAML, to a function's definition."""

from collections.abc import Mapping
from functools import partial

from apps.datastore.definition import later
from apps.datastore.definition.cancels import parse_cancels
from apps.datastore.definition.expressions import Expressions
from apps.datastore.definition.faults import FaultLog, InvalidDefinition, at
from apps.datastore.definition.schemas import Schemas
from apps.datastore.definition.scopes import KEY_NAMES
from apps.datastore.definition.single_step import single_step
from apps.datastore.definition.steps import parse_steps
from apps.datastore.definition.throttles import parse_throttle
from apps.datastore.definition.triggers import Triggers, parse_triggers
from apps.datastore.definition.types import FunctionDefinition
from apps.datastore.definition.values import check_name, check_object, check_slug, optional, required

ROOT = "$"
FIELDS = ("id", "name", "triggers", "idempotency", "throttle", "cancel", "steps")


def parse(document: object, files: Mapping[str, bytes]) -> FunctionDefinition:
    """Check the whole document against the format and the function's files, by their paths in its folder.

    Raises InvalidDefinition with every fault, and nothing else, whatever the document is.
    """
    log, expressions = FaultLog(), Expressions()
    found = check_object(document, ROOT, log, (*FIELDS, *later.FUNCTION))
    if found is None:
        raise InvalidDefinition(log.faults)
    function_id = required(found, "id", ROOT, log, check_slug)
    name = required(found, "name", ROOT, log, check_name)
    read_triggers = partial(parse_triggers, expressions=expressions, schemas=Schemas(files))
    triggers = required(found, "triggers", ROOT, log, read_triggers) or Triggers()
    idempotency = optional(found, "idempotency", ROOT, log, expressions.key_over(KEY_NAMES))
    throttle = optional(found, "throttle", ROOT, log, partial(parse_throttle, expressions=expressions))
    cancels = optional(found, "cancel", ROOT, log, partial(parse_cancels, expressions=expressions)) or ()
    later.refuse_later(found, ROOT, log, later.FUNCTION)
    # An empty object is what tools of 2022 wrote for a function without steps of its own.
    if found.get("steps", {}) == {}:
        steps = single_step(name or "", ROOT, log, files)
    else:
        steps = parse_steps(found["steps"], at(ROOT, "steps"), log, expressions, files)
    if log.faults or function_id is None or name is None:
        raise InvalidDefinition(log.faults)
    return FunctionDefinition(function_id, name, triggers.events, steps, triggers.crons, idempotency, throttle, cancels)
