"""Matching: which open waits events are for. The index finds them by name and key, the whole expression decides."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

import msgspec

from apps.datastore.definition.scopes import CANCEL_NAMES, MATCH_NAMES
from apps.event_stream.consuming import StreamEvent
from apps.expressions import Expression, ExpressionError, Value, compile_expression, hash_values, look_up
from apps.runner.event_values import EventValues
from apps.state.following import VALUES_AT_ONCE
from apps.state.values import RunValues, read_values
from apps.state.waits import Lookup, OpenWait

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


def key_at(value: Value, paths: str) -> int | None:
    """The hash of what an event says at the paths; None if it can equal nothing."""
    return hash_values([look_up(value, path) for path in _paths.decode(paths)]) if paths else 0


def in_time(hit: Hit) -> bool:
    """Whether the wait was listening when the event was received."""
    expires_at = hit.wait.expires_at
    return hit.event.seq > hit.wait.since_seq and (expires_at is None or hit.event.received_at <= expires_at)


def matching(hits: Sequence[Hit], values: EventValues, now: datetime) -> list[Hit]:
    """The hits whose whole expression is true; the first for each wait."""
    found: dict[int, Hit] = {}
    by_run: dict[str, list[Hit]] = defaultdict(list)
    for hit in filter(in_time, hits):
        if hit.wait.match is None:
            found.setdefault(hit.wait.id, hit)
        else:
            by_run[hit.wait.run_id].append(hit)
    run_ids = list(by_run)
    for start in range(0, len(run_ids), VALUES_AT_ONCE):
        chunk = run_ids[start : start + VALUES_AT_ONCE]
        needs_outputs = any(_expression(hit).names & _OUTPUTS for run_id in chunk for hit in by_run[run_id])
        for run_id, run in read_values(chunk, with_outputs=needs_outputs).items():
            for hit in by_run[run_id]:
                if hit.wait.id not in found and _is_true(hit, run, values, now):
                    found[hit.wait.id] = hit
    return list(found.values())


_OUTPUTS = {"steps", "response"}


def _expression(hit: Hit) -> Expression:
    names = CANCEL_NAMES if hit.wait.kind == "cancel" else MATCH_NAMES
    return compile_expression(hit.wait.match or "", names)


def _is_true(hit: Hit, run: RunValues, values: EventValues, now: datetime) -> bool:
    expression = _expression(hit)
    read = run.reader().of(hit.wait.sources.split(","))
    try:
        return expression.test(
            {name: values.of(hit.event.seq) if name == "async" else read(name) for name in expression.names}, now
        )
    except ExpressionError:
        return False  # an event of another shape than the expression expects is not the one that is waited for
