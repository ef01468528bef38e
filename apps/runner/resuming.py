"""Resume: waits end, with their event or without, and what follows them is planned; cancelling events cancel."""

from collections.abc import Sequence
from datetime import datetime

from apps.runner.event_values import EventValues
from apps.runner.matching import Hit, matching
from apps.state import teller, telling
from apps.state.ending import end_cancelled, settle_runs
from apps.state.following import planned_steps
from apps.state.probes import postpone
from apps.state.sdk.waiting import end_sdk_waits
from apps.state.steps import plan_steps
from apps.state.transitions import lock_runs
from apps.state.waits import End, EndedWait, OpenWait, cancel_waits, end_waits
from apps.state.wakes import Wakes


def resume(hits: Sequence[Hit], values: EventValues, now: datetime, wakes: Wakes) -> None:
    """End the waits that the events are for. Events come in the order of the stream: the first one counts.

    Raises AllowanceSpent if there are several hits whose expressions cost too much together.
    """
    matched = matching(hits, values, now)
    for wait_id in matched.unreadable:
        postpone(wait_id)
    true = matched.hits
    if not true:
        return
    locked = lock_runs([hit.wait.run_id for hit in true])
    cancelling = [hit for hit in true if hit.wait.kind == "cancel" and hit.wait.run_id in locked.open]
    cancelled = end_waits(_ends(cancelling), now)
    reasons = {wait.run_id: f"cancelled by {wait.reason}" for wait in cancelled}
    end_cancelled(reasons, now, wakes)
    _tell(cancelled, wakes)
    open_runs = locked.open - reasons.keys()
    arriving = [hit for hit in true if hit.wait.kind != "cancel" and hit.wait.run_id in open_runs]
    _go_on(end_waits(_ends(arriving), now), now, wakes)


def time_out(waits: Sequence[OpenWait], now: datetime, wakes: Wakes) -> None:
    """End waits whose event has not come in time."""
    locked = lock_runs([wait.run_id for wait in waits])
    cancel_waits([wait.id for wait in waits if wait.run_id not in locked.open], now)
    reason = "its event did not come in time"
    ended = end_waits([End(wait.id, None, reason) for wait in waits if wait.run_id in locked.open], now)
    _go_on([wait for wait in ended if wait.kind != "cancel"], now, wakes)


def _ends(hits: Sequence[Hit]) -> list[End]:
    return [End(hit.wait.id, hit.event.seq, f"event {hit.event.name} {hit.event.internal_id}") for hit in hits]


def _go_on(ended: Sequence[EndedWait], now: datetime, wakes: Wakes) -> None:
    of_sdks = [wait for wait in ended if wait.kind != "step"]
    end_sdk_waits(of_sdks, now, wakes)
    _tell(of_sdks, wakes)
    ended = [wait for wait in ended if wait.kind == "step"]
    planned = []
    for wait in ended:
        branches = wait.branches.timed_out if wait.event_seq is None else wait.branches.arrived
        planned += planned_steps(wait.run_id, wait.function_id, branches, wait.event_seq)
    plan_steps(planned, now, wakes)
    # What would follow may have run already, by another edge.
    settle_runs(list({wait.run_id for wait in ended}), now, wakes)
    _tell(ended, wakes)


def _tell(ended: Sequence[EndedWait], wakes: Wakes) -> None:
    """Tell what came, and of which functions the runs are that it concerns."""
    if teller.is_on():
        wakes.told[:0] = [telling.wait_ended(wait) for wait in ended if wait.kind == "step"]
        telling.name_functions(wakes.told, telling.functions_of({wait.run_id: wait.function_id for wait in ended}))
