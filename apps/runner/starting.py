"""Start: which of the functions that an event may start are started, and why the others are not."""

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple

from django.conf import settings

from apps.datastore.definition.scopes import KEY_NAMES, TRIGGER_NAMES
from apps.datastore.definition.types import TRIGGER, FunctionDefinition
from apps.datastore.versions import load_version, load_versions
from apps.expressions import Allowance, AllowanceSpent, ExpressionError, Value, compile_expression, compile_key
from apps.runner.batches import BATCH_UNITS, EVENT_UNITS
from apps.runner.event_values import EventValues
from apps.state import teller, telling
from apps.state.ending import ABOUT_RUNS
from apps.state.following import plain_branches
from apps.state.guards import Asked, ask
from apps.state.not_started import Refusal, keep_refusals
from apps.state.opening import cancelling_events, walk_from_trigger
from apps.state.starting import NewRun, start_runs
from apps.state.wakes import Wakes
from apps.state.walking import WALK_BUDGET, Branch, Reader, Walked


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
    number of candidates. Raises AllowanceSpent if there are several events whose expressions cost too much together; of
    a single event, those that are beyond what it may cost cannot be evaluated.
    """
    load_versions({one.version_id for one in candidates})
    runs: list[NewRun] = []
    asked: list[Candidate] = []
    for one in candidates:
        branches = _plain_start(one.version_id, one.event_name, one.by_cron)
        if branches is None:
            asked.append(one)
        else:
            runs.append(_run(one)._replace(branches=branches))
    start_runs(runs + _granted(asked, values, now, wakes), now, wakes)


@lru_cache(maxsize=10_000)
def _plain_start(version_id: int, event_name: str, by_cron: bool) -> tuple[Branch, ...] | None:
    """The first steps of a version that such an event starts whatever it says; None if that depends on something."""
    definition = load_version(version_id).definition
    if definition.idempotency or definition.throttle or definition.cancel:
        return None
    if not by_cron and None not in _expressions(version_id, event_name):
        return None
    return plain_branches(version_id, TRIGGER)


def _granted(candidates: Sequence[Candidate], values: EventValues, now: datetime, wakes: Wakes) -> list[NewRun]:
    """The runs of those that nothing speaks against."""
    if not candidates:
        return []
    values.need([one.event_seq for one in candidates if _looks_at_event(one)])
    is_single = len({one.event_seq for one in candidates}) == 1
    asking = _Asking(values, now, Allowance(EVENT_UNITS if is_single else BATCH_UNITS), is_single, [])
    triggered = [one for one in candidates if _is_triggered(one, asking)]
    granted = _guarded(triggered, asking)
    keep_refusals(asking.refusals)
    if teller.is_on():
        events = {one.event_seq: one.internal_id for one in candidates}
        wakes.told += [telling.not_started(refusal, events[refusal.event_seq]) for refusal in asking.refusals]
    return [_new_run(one, asking) for one in granted]


def _run(one: Candidate) -> NewRun:
    reason = f"event {one.event_name} {one.internal_id}"
    return NewRun(
        one.environment_id,
        one.function_id,
        one.version_id,
        one.event_seq,
        reason,
        is_about_runs=one.event_name in ABOUT_RUNS,
    )


class _Asking(NamedTuple):
    """What it takes to decide on candidates, and what was decided against some of them."""

    values: EventValues
    now: datetime
    allowance: Allowance
    is_single: bool
    refusals: list[Refusal]

    def event(self, one: Candidate) -> Value:
        return self.values.of(one.event_seq)

    def refuse(self, one: Candidate, why: str, reason: str) -> None:
        self.refusals.append(Refusal(one.event_seq, one.function_id, one.version_id, why, reason))

    def check(self, error: ExpressionError) -> ExpressionError:
        """The error, unless fewer events would do without it: then it is raised."""
        if isinstance(error, AllowanceSpent) and not self.is_single:
            raise error
        return error


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


def _is_triggered(one: Candidate, asking: _Asking) -> bool:
    expressions = _expressions(one.version_id, one.event_name)
    if one.by_cron or None in expressions:
        return True
    faults = []
    for text in expressions:
        try:
            expression = compile_expression(text or "", TRIGGER_NAMES)
            if expression.test({"event": asking.event(one)}, asking.now, allowance=asking.allowance):
                return True
        except ExpressionError as error:
            faults.append(f"`{text}` cannot be evaluated: {asking.check(error)}")
    if faults:
        asking.refuse(one, "expression error", "; ".join(faults))
    else:
        asking.refuse(one, "expression", _not_true(expressions))
    return False


def _not_true(expressions: Sequence[str | None]) -> str:
    return (
        " and ".join(f"`{text}`" for text in expressions) + (" is" if len(expressions) == 1 else " are") + " not true"
    )


def _guarded(candidates: Sequence[Candidate], asking: _Asking) -> list[Candidate]:
    """Those whose idempotency key or throttle lets them start."""
    asked: dict[int, Asked] = {}
    refused: set[int] = set()
    for place, one in enumerate(candidates):
        try:
            guard = _guard(one, asking)
        except ExpressionError as error:
            refused.add(place)
            asking.refuse(one, "expression error", f"its key cannot be evaluated: {asking.check(error)}")
            continue
        if guard is not None:
            asked[place] = guard
    for (place, guard), ruling in zip(asked.items(), ask(list(asked.values()), asking.now), strict=True):
        if not ruling.granted:
            refused.add(place)
            asking.refuse(candidates[place], guard.kind, _over(guard, ruling.event_id))
    return [one for place, one in enumerate(candidates) if place not in refused]


def _guard(one: Candidate, asking: _Asking) -> Asked | None:
    definition = load_version(one.version_id).definition
    if definition.idempotency is not None:
        key = _key(definition.idempotency, one, asking)
        # What is missing tells no two events apart.
        return _asked(one, "idempotency", key, 1, settings.IDEMPOTENCY_SECONDS) if key else None
    throttle = definition.throttle
    if throttle is None:
        return None
    key = "" if throttle.key is None else _key(throttle.key, one, asking)
    return _asked(one, "throttle", key, throttle.count, throttle.period)


def _key(text: str, one: Candidate, asking: _Asking) -> str:
    key = compile_key(text, KEY_NAMES)
    return key.render({"event": asking.event(one)}, asking.now, allowance=asking.allowance)


def _asked(one: Candidate, kind: str, key: str, most: int, window: float) -> Asked:
    return Asked(one.function_id, kind, key, most, window, one.internal_id)


def _over(guard: Asked, first: str) -> str:
    of_key = f" for the key {guard.key[:200]!r}" if guard.key else ""
    if guard.kind == "idempotency":
        return f"event {first} has started it already{of_key}"
    return f"the throttle of {guard.most} in {guard.window:g} s is used up{of_key}, since event {first}"


def _new_run(one: Candidate, asking: _Asking) -> NewRun:
    definition = load_version(one.version_id).definition
    run = _run(one)
    branches = plain_branches(one.version_id, TRIGGER)
    if branches is not None:
        run = run._replace(branches=branches)
    else:
        run = run._replace(walked=_walked(definition, one, asking))
    if definition.cancel:
        reader = _reader(one, asking, Allowance(WALK_BUDGET))
        run = run._replace(cancelling=cancelling_events(definition, reader, asking.now))
    return run


def _walked(definition: FunctionDefinition, one: Candidate, asking: _Asking) -> Walked:
    """The edges from the trigger. What they cost is the batch's, too."""
    if asking.allowance.left <= 0:
        asking.check(AllowanceSpent())
    own = Allowance(WALK_BUDGET if asking.allowance.left > 0 else 0)
    before = own.left
    walked = walk_from_trigger(definition, _reader(one, asking, own), asking.now)
    asking.allowance.left -= before - own.left
    return walked


def _reader(one: Candidate, asking: _Asking, allowance: Allowance) -> Reader:
    return Reader(lambda: asking.event(one), dict, lambda _: None, allowance)
