"""A function as an SDK registers it, made into a definition: one step, which is the function itself."""

import json
from collections.abc import Mapping
from functools import partial

from apps.datastore.definition.crons import parse_cron
from apps.datastore.definition.expressions import Check, Expressions
from apps.datastore.definition.faults import FaultLog, at
from apps.datastore.definition.scopes import CANCEL_NAMES, KEY_NAMES, TRIGGER_NAMES
from apps.datastore.definition.sdk_flow_control import parse_flow_control
from apps.datastore.definition.sdk_values import check_fields, check_id, check_url
from apps.datastore.definition.types import (
    SDK_STEP,
    TRIGGER,
    CancelOn,
    CronTrigger,
    Edge,
    EventTrigger,
    FunctionDefinition,
    Runtime,
    Sdk,
    Step,
)
from apps.datastore.definition.values import (
    check_duration,
    check_list,
    check_text,
    check_whole_number,
    optional,
    required,
)

DEFAULT_RETRIES = 4
MAX_RETRIES = 100
MAX_TRIGGERS = 100
MAX_CANCELS = 100
CALL_SECONDS = 7_200.0

CONNECT = "ws"


def parse_sdk_function(value: object, path: str, log: FaultLog, sdk: Sdk) -> FunctionDefinition | None:
    """The definition; None if something is wrong, and then it is in the log."""
    before, expressions = log.count, Expressions()
    found = check_fields(value, path, log)
    if found is None:
        return None
    function_id = required(found, "id", path, log, check_id)
    name = (optional(found, "name", path, log, check_id) if found.get("name") else None) or function_id
    events, crons, asked = _parse_triggers(found.get("triggers", []), at(path, "triggers"), log, expressions)
    step = required(found, "steps", path, log, partial(_parse_steps, name=name or ""))
    # The SDKs have plain expressions here; where there is no {{ in it, a key is one.
    idempotency = _unless_empty(found, "idempotency", path, log, expressions.key_over(KEY_NAMES))
    cancels = _parse_cancels(found.get("cancel", []), at(path, "cancel"), log, expressions)
    asked |= parse_flow_control(found, path, log, expressions)
    if log.count > before or function_id is None or name is None or step is None:
        return None
    return FunctionDefinition(
        id=function_id,
        name=name,
        triggers=events,
        steps={SDK_STEP: step},
        crons=crons,
        idempotency=idempotency,
        cancel=cancels,
        sdk=sdk,
        not_enforced=tuple(asked),
        config=json.dumps(asked, separators=(",", ":")) if asked else "",
    )


def _parse_triggers(
    value: object, path: str, log: FaultLog, expressions: Expressions
) -> tuple[tuple[EventTrigger, ...], tuple[CronTrigger, ...], dict[str, object]]:
    """Those of events, those of crons, and what they ask for that is not enforced. All may be empty: then the function
    runs when it is invoked."""
    events: dict[EventTrigger, None] = {}
    crons: dict[tuple[str, str], CronTrigger] = {}
    jitters: dict[str, object] = {}
    wildcards: list[str] = []
    for index, entry in enumerate(check_list(value, path, log, 0, MAX_TRIGGERS) or []):
        entry_path = at(path, index)
        found = check_fields(entry, entry_path, log)
        if found is None:
            continue
        if "cron" in found:
            cron = optional(found, "cron", entry_path, log, parse_cron)
            jitter = optional(found, "jitter", entry_path, log, check_text)
            if cron is not None:
                crons.setdefault((cron.schedule.upper(), cron.timezone), cron)
                jitters |= {} if jitter is None else {cron.cron: jitter}
        elif "event" not in found:
            log.add(entry_path, "must have an event, or a cron")
        else:
            event = optional(found, "event", entry_path, log, check_id)
            expression = _unless_empty(found, "expression", entry_path, log, expressions.over(TRIGGER_NAMES))
            if event is not None:
                events[EventTrigger(event, expression)] = None
                wildcards += [event] if "*" in event else []
    asked: dict[str, object] = {"cron jitter": jitters, "event wildcards": wildcards}
    return tuple(events), tuple(crons.values()), {name: value for name, value in asked.items() if value}


def _parse_steps(value: object, path: str, log: FaultLog, name: str) -> Step | None:
    steps = check_fields(value, path, log)
    return None if steps is None else required(steps, SDK_STEP, path, log, partial(_parse_step, name=name))


def _parse_step(value: object, path: str, log: FaultLog, name: str) -> Step | None:
    found = check_fields(value, path, log)
    if found is None:
        return None
    url = required(found, "runtime", path, log, _parse_runtime)
    retries = optional(found, "retries", path, log, _parse_retries)
    if url is None:
        return None
    return Step(
        id=SDK_STEP,
        name=name,
        path="",
        runtime=Runtime("sdk", {"url": url}),
        after=(Edge(TRIGGER),),
        attempts=(DEFAULT_RETRIES if retries is None else retries) + 1,
        timeout=CALL_SECONDS,
    )


def _parse_runtime(value: object, path: str, log: FaultLog) -> str | None:
    """The URL to call."""
    found = check_fields(value, path, log)
    if found is None:
        return None
    kind = optional(found, "type", path, log, check_text) or "http"
    if kind == CONNECT:
        log.add(at(path, "type"), "Connect (`ws`) is not yet supported: serve the app over HTTP")
        return None
    if kind != "http":
        log.add(at(path, "type"), "must be http")
        return None
    return required(found, "url", path, log, check_url)


def _parse_retries(value: object, path: str, log: FaultLog) -> int | None:
    """How many tries come after the first."""
    found = check_fields(value, path, log) or {}
    return optional(found, "attempts", path, log, partial(check_whole_number, low=0, high=MAX_RETRIES))


def _parse_cancels(value: object, path: str, log: FaultLog, expressions: Expressions) -> tuple[CancelOn, ...]:
    cancels: dict[CancelOn, None] = {}
    for index, entry in enumerate(check_list(value, path, log, 0, MAX_CANCELS) or []):
        entry_path = at(path, index)
        found = check_fields(entry, entry_path, log)
        if found is None:
            continue
        event = required(found, "event", entry_path, log, check_id)
        condition = _unless_empty(found, "if", entry_path, log, expressions.over(CANCEL_NAMES))
        timeout = optional(found, "timeout", entry_path, log, check_duration)
        if event is not None:
            cancels[CancelOn(event, condition, timeout)] = None
    return tuple(cancels)


def _unless_empty(found: Mapping[str, object], name: str, path: str, log: FaultLog, check: Check) -> str | None:
    """An empty expression is none."""
    return None if found.get(name, "") == "" else check(found[name], at(path, name), log)
