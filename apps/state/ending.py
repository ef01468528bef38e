"""Runs end here, and those whom it concerns hear of it in the same transaction: the run that invoked it goes on, and
functions that are triggered by `inngest/function.*` have their events.

An event is sent where a live function is triggered by it or a run waits for it at that moment (decision 12). None is
sent about a run that such an event has started, or that such a run has invoked: a function for failures that fails
itself would go round for ever.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

import msgspec
from django.db import connection, transaction

from apps.datastore.definition.types import leaf_steps
from apps.datastore.versions import load_version
from apps.event_stream.appending import append_numbered
from apps.event_stream.new_event import NewEvent, make_event
from apps.state import teller, telling
from apps.state.history import Entry
from apps.state.sdk.book import StepEnd, finish_steps
from apps.state.sdk.progress import read_progress
from apps.state.transitions import advance_runs, cancel_runs, lock_runs
from apps.state.values import VALUES_AT_ONCE
from apps.state.wakes import Wakes, ring_for

ABOUT_RUNS = frozenset({"inngest/function.failed", "inngest/function.cancelled", "inngest/function.finished"})
_CANCELLED_ERROR = '{"name":"FunctionCancelled","message":"the run was cancelled","stack":""}'


def settle_runs(run_ids: Sequence[str], now: datetime, wakes: Wakes) -> list[Entry]:
    """Start or end the locked runs, as their steps and waits say. What it added to the history of runs that ended."""
    advanced = advance_runs(run_ids, now)
    if teller.is_on():
        wakes.told += telling.ended(advanced.history, now)
    return advanced.history + _tell(advanced.concerning, now, wakes)


def end_cancelled(reasons: Mapping[str, str], now: datetime, wakes: Wakes) -> None:
    """Cancel runs, each for its reason. Called with them locked, and none of them ended."""
    concerning = cancel_runs(reasons, now)
    if teller.is_on():
        wakes.told += telling.ended([Entry(run_id, "run.cancelled", why) for run_id, why in reasons.items()], now)
    _tell(concerning, now, wakes)


def cancel_run(run_id: str, reason: str) -> bool:
    """Cancel a run and what of it is open; a step that is running loses its result. False if the run had ended."""
    wakes = Wakes()
    with transaction.atomic():
        locked = lock_runs([run_id])
        if run_id not in locked.open or locked.now is None:
            return False
        end_cancelled({run_id: reason}, locked.now, wakes)
    ring_for(wakes, locked.now)
    return True


class _Ended(NamedTuple):
    run_id: str
    environment_id: int
    version_id: int
    function: str
    status: str
    invoker_id: str | None
    invoker_step_id: str | None
    is_about_runs: bool
    event: str
    error: str | None
    listened: list[str]
    """The names of events about it for which somebody listens."""


# The function's own error says why it failed; of a declared function, that of the step that failed first. Scalar
# queries and LATERAL keep each look-up to its key.
_ENDED = """
SELECT run.id, run.environment_id, run.version_id,
       (SELECT slug FROM datastore_function WHERE id = run.function_id), run.status, run.invoker_id,
       run.invoker_step_id, run.is_about_runs, event.payload,
       (SELECT error FROM state_step WHERE run_id = run.id AND status = 'failed'
        ORDER BY op IS DISTINCT FROM 'function', ended_at, step_id LIMIT 1),
       ARRAY(SELECT name FROM unnest(ARRAY['inngest/function.' || run.status, 'inngest/function.finished']) AS name
             WHERE COALESCE(
                (SELECT true FROM datastore_eventtrigger AS listener
                 WHERE listener.environment_id = run.environment_id AND listener.event_name = name LIMIT 1),
                (SELECT true FROM state_wait AS wait
                 WHERE wait.environment_id = run.environment_id AND wait.event_name = name AND wait.status = 'open'
                 LIMIT 1), false))
FROM state_run AS run, LATERAL (SELECT payload FROM event_stream_event WHERE seq = run.event_seq LIMIT 1) AS event
WHERE run.id = ANY (%b::text[])
"""


def _tell(run_ids: Sequence[str], now: datetime, wakes: Wakes) -> list[Entry]:
    told: list[Entry] = []
    for start in range(0, len(run_ids), VALUES_AT_ONCE):
        with connection.cursor() as cursor:
            cursor.execute(_ENDED, (list(run_ids[start : start + VALUES_AT_ONCE]),))
            ended = [_Ended(*row) for row in cursor.fetchall()]
        outputs = _outputs([one for one in ended if one.status == "completed"])
        told += _answer_invokers([one for one in ended if one.invoker_id], outputs, now, wakes)
        events = [event for one in ended if not one.is_about_runs for event in _events(one, outputs)]
        append_numbered(events)
        wakes.events += len(events)
    return told


# LIMIT keeps the look-up to its key.
_LEAVES = """
SELECT leaf.run_id, leaf.step_id, step.output
FROM unnest(%b::text[], %b::text[]) AS leaf (run_id, step_id), LATERAL (
    SELECT output FROM state_step
    WHERE run_id = leaf.run_id AND step_id = leaf.step_id AND status = 'completed' LIMIT 1
) AS step
"""


def _outputs(ended: Sequence[_Ended]) -> dict[str, str]:
    """The output of each run as JSON text: of the step that nothing follows, or of several by their ids."""
    if not ended:
        return {}
    leaves = {one.run_id: [step.id for step in leaf_steps(load_version(one.version_id).definition)] for one in ended}
    pairs = [(run_id, step_id) for run_id, step_ids in leaves.items() for step_id in step_ids]
    texts: dict[str, dict[str, str]] = {run_id: {} for run_id in leaves}
    with connection.cursor() as cursor:
        cursor.execute(_LEAVES, ([run_id for run_id, _ in pairs], [step_id for _, step_id in pairs]))
        for run_id, step_id, output in cursor.fetchall():
            texts[run_id][step_id] = output
    return {run_id: _output(of_run, is_single=len(leaves[run_id]) == 1) for run_id, of_run in texts.items()}


def _output(texts: Mapping[str, str], *, is_single: bool) -> str:
    if is_single:
        return next(iter(texts.values()), "null")
    return msgspec.json.encode({step_id: msgspec.Raw(text.encode()) for step_id, text in texts.items()}).decode()


def _answer_invokers(ended: Sequence[_Ended], outputs: Mapping[str, str], now: datetime, wakes: Wakes) -> list[Entry]:
    """The runs that invoked these go on: their steps end with what these came to."""
    asked: dict[str, set[str]] = {}
    for one in ended:
        asked.setdefault(one.invoker_id or "", set()).add(one.invoker_step_id or "")
    progress = read_progress(asked)
    ends = []
    for one in ended:
        of = progress.get(one.invoker_id or "")
        if of is not None:
            error = one.error if one.status == "failed" else _CANCELLED_ERROR
            is_ok = one.status == "completed"
            value = outputs[one.run_id] if is_ok else error or _CANCELLED_ERROR
            end = StepEnd(one.invoker_step_id or "", "invoke", is_ok, value)
            ends.append((of, end, f"{one.function} {one.status} (run {one.run_id})"))
    return finish_steps(ends, now, wakes)


def _events(one: _Ended, outputs: Mapping[str, str]) -> list[NewEvent]:
    event = msgspec.Raw(one.event.encode())
    data: dict[str, object] = {"function_id": one.function, "run_id": one.run_id, "event": event, "events": [event]}
    if one.status == "completed":
        data["result"] = msgspec.Raw(outputs[one.run_id].encode())
    else:
        error = one.error if one.status == "failed" else None
        data["error"] = msgspec.Raw((error or _CANCELLED_ERROR).encode())
    text = msgspec.Raw(msgspec.json.encode(data))
    return [make_event(one.environment_id, name, text) for name in one.listened]
