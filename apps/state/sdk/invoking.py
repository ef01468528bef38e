"""Invoke: a function is run directly, whatever its triggers, and whoever invoked it goes on when it ends."""

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import NamedTuple

import msgspec
from django.db import transaction

from apps.datastore.definition.types import TRIGGER
from apps.datastore.live_functions import LiveFunction, find_live
from apps.datastore.versions import load_version, load_versions
from apps.event_stream.appending import append_numbered
from apps.event_stream.new_event import NewEvent, make_event
from apps.expressions import Allowance, read_json
from apps.state.clock import read_now
from apps.state.following import plain_branches
from apps.state.opening import cancelling_events, walk_from_trigger
from apps.state.starting import NewRun, start_runs
from apps.state.wakes import Wakes, ring_for
from apps.state.walking import WALK_BUDGET, Reader

INVOKED = "inngest/function.invoked"


class Invocation(NamedTuple):
    """A function to be run with an event of its own; by a step of a run, or by a request."""

    function: LiveFunction
    event: NewEvent
    reason: str
    invoker_id: str | None = None
    invoker_step_id: str | None = None


class NoSuchFunction(LookupError):
    """There is no live function with this id in the environment."""


def invoke(environment_id: int, slug: str, data: bytes, user: bytes = b"{}", v: str | None = None) -> tuple[str, str]:
    """Run a function now, with an event with these `data` and `user` (JSON objects). The ids of its run and its event.

    Raises NoSuchFunction.
    """
    wakes = Wakes()
    with transaction.atomic():
        now = read_now()
        function = find_live([(environment_id, slug)]).get((environment_id, slug))
        if function is None:
            raise NoSuchFunction(f"There is no function {slug!r}")
        event = make_event(environment_id, INVOKED, msgspec.Raw(data), user=msgspec.Raw(user), v=v)
        [run_id] = start_invoked([Invocation(function, event, "invoked through the REST API")], now, wakes)
    ring_for(wakes, now)
    return run_id, event.internal_id


def start_invoked(invocations: Sequence[Invocation], now: datetime, wakes: Wakes) -> list[str]:
    """Start the runs, in the transaction that records who invoked them. Guards such as idempotency are not asked."""
    if not invocations:
        return []
    load_versions({one.function.version_id for one in invocations})
    numbers = append_numbered([one.event for one in invocations])
    wakes.events += len(invocations)
    allowance = Allowance(WALK_BUDGET)
    runs = [_new_run(one, seq, now, allowance) for one, seq in zip(invocations, numbers, strict=True)]
    return start_runs(runs, now, wakes)


def _new_run(one: Invocation, seq: int, now: datetime, allowance: Allowance) -> NewRun:
    definition = load_version(one.function.version_id).definition
    run = NewRun(
        one.event.environment_id,
        one.function.function_id,
        one.function.version_id,
        seq,
        one.reason,
        invoker_id=one.invoker_id,
        invoker_step_id=one.invoker_step_id,
    )
    branches = plain_branches(one.function.version_id, TRIGGER)
    if branches is not None:
        run = run._replace(branches=branches)
    else:
        run = run._replace(walked=walk_from_trigger(definition, _reader(one.event, allowance), now))
    if definition.cancel:
        run = run._replace(cancelling=cancelling_events(definition, _reader(one.event, allowance), now))
    return run


def _reader(event: NewEvent, allowance: Allowance) -> Reader:
    return Reader(cache(lambda: read_json(event.payload)), dict, lambda _: None, allowance)
