"""Matching: which open waits events are for. The index finds them by name and key, the whole expression decides."""

import logging
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

import msgspec

from apps.datastore.definition.scopes import CANCEL_NAMES, MATCH_NAMES
from apps.event_stream.consuming import StreamEvent
from apps.expressions import (
    Allowance,
    AllowanceSpent,
    Expression,
    ExpressionError,
    InvalidExpression,
    Value,
    compile_expression,
    hash_values,
    look_up,
)
from apps.runner.batches import BATCH_UNITS, COPIED_BYTES
from apps.runner.event_values import EventValues
from apps.state.values import VALUES_AT_ONCE, RunValues, read_values
from apps.state.waits import Lookup, OpenWait

log = logging.getLogger(__name__)
_paths = msgspec.json.Decoder(list[tuple[str, ...]])


class Hit(NamedTuple):
    """An event and an open wait that may be for it."""

    event: StreamEvent
    wait: OpenWait


def lookups(event: StreamEvent, value: Value, paths: Iterable[str], after: int = 0) -> list[Lookup]:
    """Where to look for the waits of an event: one key for each set of paths that waits of its name have."""
    found = []
    for text in paths:
        key = key_at(value, text)
        if key is not None:
            found.append(Lookup(event.seq, event.environment_id, event.name, text, key, after))
    return found


def fitting(found: Sequence[tuple[int, OpenWait]], values: EventValues, most: int) -> int:
    """How many of the waits one transaction ends: a step of an SDK's function gets a copy of its event."""
    copied = 0
    for place, (seq, wait) in enumerate(found[:most]):
        if wait.kind == "sdk":
            copied += values.size(seq)
        if copied > COPIED_BYTES and place:
            return place
    return min(len(found), most)


def key_at(value: Value, paths: str) -> int | None:
    """The hash of what an event says at the paths; None if it can equal nothing."""
    return hash_values([look_up(value, path) for path in _paths.decode(paths)]) if paths else 0


def in_time(hit: Hit) -> bool:
    """Whether the wait was listening when the event was received."""
    expires_at = hit.wait.expires_at
    return hit.event.seq > hit.wait.since_seq and (expires_at is None or hit.event.received_at <= expires_at)


class Matched(NamedTuple):
    """The hits whose whole expression is true, the first for each wait; and waits whose expression cannot be read."""

    hits: list[Hit]
    unreadable: list[int]


def matching(hits: Sequence[Hit], values: EventValues, now: datetime) -> Matched:
    """Evaluate the whole expression of each wait for its events. Raises AllowanceSpent where that costs too much."""
    found: dict[int, Hit] = {}
    unreadable: set[int] = set()
    by_run: dict[str, list[Hit]] = defaultdict(list)
    for hit in filter(in_time, hits):
        if hit.wait.match is None:
            found.setdefault(hit.wait.id, hit)
        else:
            by_run[hit.wait.run_id].append(hit)
    allowance = Allowance(BATCH_UNITS)
    run_ids = list(by_run)
    for start in range(0, len(run_ids), VALUES_AT_ONCE):
        chunk = run_ids[start : start + VALUES_AT_ONCE]
        expressions = {hit.wait.id: _expression(hit.wait) for run_id in chunk for hit in by_run[run_id]}
        unreadable |= {wait_id for wait_id, expression in expressions.items() if expression is None}
        needs_outputs = any(one is not None and one.names & _OUTPUTS for one in expressions.values())
        for run_id, run in read_values(chunk, with_outputs=needs_outputs).items():
            for hit in by_run[run_id]:
                expression = expressions[hit.wait.id]
                if hit.wait.id in found or expression is None:
                    continue
                if _is_true(hit, expression, _Reading(run, values, allowance), now):
                    found[hit.wait.id] = hit
    return Matched(list(found.values()), sorted(unreadable))


_OUTPUTS = {"steps", "response"}


class _Reading(NamedTuple):
    run: RunValues
    values: EventValues
    allowance: Allowance


def _expression(wait: OpenWait) -> Expression | None:
    """None if this release cannot read it."""
    try:
        return compile_expression(wait.match or "", CANCEL_NAMES if wait.kind == "cancel" else MATCH_NAMES)
    except InvalidExpression:
        log.exception("the match of wait %s cannot be read", wait.id)
        return None


def _is_true(hit: Hit, expression: Expression, reading: _Reading, now: datetime) -> bool:
    read = reading.run.reader().of(hit.wait.sources.split(","))
    try:
        variables = {
            name: reading.values.of(hit.event.seq) if name == "async" else read(name) for name in expression.names
        }
        return expression.test(variables, now, allowance=reading.allowance)
    except AllowanceSpent:
        raise
    except ExpressionError:
        return False  # an event of another shape than the expression expects is not the one that is waited for
