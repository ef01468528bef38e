"""Start: which of the functions that an event may start are started, and why the others are not."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import NamedTuple

from django.conf import settings

from apps.datastore.definition.scopes import CANCEL_NAMES, KEY_NAMES, TRIGGER_NAMES
from apps.datastore.definition.types import TRIGGER, FunctionDefinition
from apps.datastore.versions import load_version, load_versions
from apps.expressions import ExpressionError, Value, compile_expression, compile_key
from apps.runner.event_values import EventValues
from apps.state.following import plain_branches
from apps.state.guards import Asked, ask
from apps.state.not_started import Refusal, keep_refusals
from apps.state.starting import NewRun, start_runs
from apps.state.wakes import Wakes
from apps.state.walking import Branches, Listening, Reader, key_of, walk


class Candidate(NamedTuple):
    """A live version of a function that an event, or a tick of its cron, may start."""

    event_seq: int
    environment_id: int
    function_id: int
    version_id: int
    event_name: str
    internal_id: str
    by_cron: bool = False
    """Started by its own cron: no trigger's expression is asked."""


def start_candidates(candidates: Sequence[Candidate], values: EventValues, now: datetime, wakes: Wakes) -> None:
    """Start those that nothing speaks against, and keep what does for the others.

    Called in the transaction that takes the events from the inbox. The number of statements does not depend on the
    number of candidates.
    """
    load_versions({one.version_id for one in candidates})
    values.need([one.event_seq for one in candidates if _looks_at_event(one)])
    refusals: list[Refusal] = []
    triggered = [one for one in candidates if _is_triggered(one, values, now, refusals)]
    granted = _guarded(triggered, values, now, refusals)
    keep_refusals(refusals)
    start_runs([_new_run(one, values, now) for one in granted], now, wakes)


def _looks_at_event(one: Candidate) -> bool:
    return _needs_event(one.version_id) or (
        not one.by_cron and None not in _expressions(one.version_id, one.event_name)
    )


@lru_cache(maxsize=10_000)
def _expressions(version_id: int, event_name: str) -> tuple[str | None, ...]:
    """Those of the triggers for this event; None for a trigger without one."""
    triggers = load_version(version_id).definition.triggers
    return tuple(trigger.expression for trigger in triggers if trigger.event == event_name)


@lru_cache(maxsize=10_000)
def _needs_event(version_id: int) -> bool:
    """Whether it takes the event's values to start this version, apart from its triggers."""
    definition = load_version(version_id).definition
    return bool(definition.idempotency or definition.cancel or (definition.throttle and definition.throttle.key)) or (
        plain_branches(version_id, TRIGGER) is None
    )


def _is_triggered(one: Candidate, values: EventValues, now: datetime, refusals: list[Refusal]) -> bool:
    expressions = _expressions(one.version_id, one.event_name)
    if one.by_cron or None in expressions:
        return True
    faults = []
    for text in expressions:
        try:
            if compile_expression(text or "", TRIGGER_NAMES).test({"event": values.of(one.event_seq)}, now):
                return True
        except ExpressionError as error:
            faults.append(f"`{text}` cannot be evaluated: {error}")
    why, reason = ("expression error", "; ".join(faults)) if faults else ("expression", _not_true(expressions))
    refusals.append(Refusal(one.event_seq, one.function_id, one.version_id, why, reason))
    return False


def _not_true(expressions: Sequence[str | None]) -> str:
    return (
        " and ".join(f"`{text}`" for text in expressions) + (" is" if len(expressions) == 1 else " are") + " not true"
    )


def _guarded(
    candidates: Sequence[Candidate], values: EventValues, now: datetime, refusals: list[Refusal]
) -> list[Candidate]:
    """Those whose idempotency key or throttle lets them start."""
    asked: dict[int, Asked] = {}
    refused: set[int] = set()
    for place, one in enumerate(candidates):
        try:
            guard = _guard(one, values, now)
        except ExpressionError as error:
            refused.add(place)
            reason = f"its key cannot be evaluated: {error}"
            refusals.append(Refusal(one.event_seq, one.function_id, one.version_id, "expression error", reason))
            continue
        if guard is not None:
            asked[place] = guard
    for (place, guard), ruling in zip(asked.items(), ask(list(asked.values()), now), strict=True):
        if ruling.granted:
            continue
        refused.add(place)
        one = candidates[place]
        refusals.append(
            Refusal(one.event_seq, one.function_id, one.version_id, guard.kind, _over(guard, ruling.event_id))
        )
    return [one for place, one in enumerate(candidates) if place not in refused]


def _guard(one: Candidate, values: EventValues, now: datetime) -> Asked | None:
    definition = load_version(one.version_id).definition
    if definition.idempotency is not None:
        key = _key(definition.idempotency, values.of(one.event_seq), now)
        # What is missing tells no two events apart.
        return _asked(one, "idempotency", key, 1, settings.IDEMPOTENCY_SECONDS) if key else None
    throttle = definition.throttle
    if throttle is None:
        return None
    key = "" if throttle.key is None else _key(throttle.key, values.of(one.event_seq), now)
    return _asked(one, "throttle", key, throttle.count, throttle.period)


def _asked(one: Candidate, kind: str, key: str, most: int, window: float) -> Asked:
    return Asked(one.function_id, kind, key, most, window, one.internal_id)


def _key(text: str, event: Value, now: datetime) -> str:
    return compile_key(text, KEY_NAMES).render({"event": event}, now)


def _over(guard: Asked, first: str) -> str:
    of_key = f" for the key {guard.key[:200]!r}" if guard.key else ""
    if guard.kind == "idempotency":
        return f"event {first} has started it already{of_key}"
    return f"the throttle of {guard.most} in {guard.window:g} s is used up{of_key}, since event {first}"


def _new_run(one: Candidate, values: EventValues, now: datetime) -> NewRun:
    definition = load_version(one.version_id).definition
    reason = f"event {one.event_name} {one.internal_id}"
    run = NewRun(one.environment_id, one.function_id, one.version_id, one.event_seq, reason)
    branches = plain_branches(one.version_id, TRIGGER)
    if branches is not None:
        run = run._replace(branches=branches)
    else:
        reader = Reader(lambda: values.of(one.event_seq), dict, lambda _: None)
        run = run._replace(walked=walk(definition, [TRIGGER], [TRIGGER], reader, now))
    if definition.cancel:
        run = run._replace(cancelling=_cancelling(definition, values.of(one.event_seq), now))
    return run


def _cancelling(definition: FunctionDefinition, event: Value, now: datetime) -> list[Listening]:
    listening = []
    for cancel in definition.cancel:
        paths, key = key_of(cancel.condition, CANCEL_NAMES, lambda _: event, now)
        expires_at = None if cancel.timeout is None else now + timedelta(seconds=cancel.timeout)
        listening.append(Listening(TRIGGER, cancel.event, cancel.condition, paths, key, expires_at, Branches()))
    return listening
